import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openWindow, sizes, still, themes, type Look } from './browser'
import { gallery } from './gallery'
import { Stage } from './stage'

const narrow = new Set(['first-run', 'first-run-absent', 'ways-in', 'ways-in-phone', 'browser', 'browser-paste', 'link', 'code', 'code-wrong', 'code-expired', 'failed-locked', 'wallets', 'wallet-detail', 'wallets-empty', 'create', 'offline', 'session', 'ended', 'shortcuts', 'ending'])
const zoomed = new Set(['first-run', 'code', 'wallets', 'wallet-detail', 'create', 'failed-locked'])

type Shot = { name: string; scene: string; look: Look }

/** Takes a picture of every scene into the folder; names picks some. */
export async function take(folder: string, names: string[] = []) {
  const out = resolve(folder)
  await mkdir(out, { recursive: true })
  const usual = gallery.flatMap(({ name }) => themes.flatMap((theme): Shot[] => [
    { name: `${name}-${theme}`, scene: name, look: { theme, size: sizes.usual, scale: 1.5 } },
    ...(narrow.has(name) ? [{ name: `${name}-420-${theme}`, scene: name, look: { theme, size: sizes.small, scale: 2 } }] : []),
    ...(zoomed.has(name) && theme === 'light' ? [{ name: `${name}-zoomed-${theme}`, scene: name, look: { theme, size: sizes.zoomed, scale: 2 } }] : []),
  ]))
  const others = ['first-run', 'code-wrong', 'wallets', 'create', 'ending'].flatMap((name): Shot[] => [
    { name: `${name}-forced`, scene: name, look: { size: sizes.usual, scale: 1.5, forcedColors: true } },
    { name: `${name}-contrast`, scene: name, look: { size: sizes.usual, scale: 1.5, contrast: true } },
  ])
  const shots = [...usual, ...others].filter((shot) => names.length === 0 || names.some((name) => shot.name.startsWith(name)))

  // One browser for each look: starting one takes longer than a picture.
  const byLook = new Map<string, Shot[]>()
  for (const shot of shots) {
    const look = JSON.stringify(shot.look)
    byLook.set(look, [...(byLook.get(look) ?? []), shot])
  }
  for (const group of byLook.values()) {
    const look = group[0]?.look ?? {}
    const window = await openWindow({ ...look, frozen: true, reducedMotion: true })
    for (const shot of group) {
      const scene = gallery.find((one) => one.name === shot.scene)
      if (!scene) continue
      const stage = new Stage(scene.state, scene.wallets, scene.answers)
      const url = await stage.open()
      try {
        await window.page.goto(url)
        await window.page.locator('main h1, main [role="status"]').first().waitFor({ state: 'attached' })
        await scene.act?.(window.page, stage)
        await still(window.page)
        await window.page.screenshot({ path: join(out, `${shot.name}.png`) })
      } finally {
        await window.page.goto('about:blank')
        await stage.close()
      }
    }
    window.trouble.forEach((line) => console.error(JSON.stringify(look), line))
    await window.close()
  }
  await sheet(out, shots.map((shot) => shot.name))
  console.log(`${shots.length} pictures in ${out}`)
}

/** All pictures on one page, by Chromium itself. */
async function sheet(out: string, names: string[]) {
  const cells = names.map((name) => `<figure><img src="${name}.png"><figcaption>${name}</figcaption></figure>`).join('')
  const page = join(out, 'contact-sheet.html')
  await writeFile(page, `<!doctype html><meta charset="utf-8"><style>body{margin:16px;background:#888;font:12px sans-serif;display:grid;grid-template-columns:repeat(6,1fr);gap:12px}figure{margin:0}img{width:100%;display:block}figcaption{padding-top:4px;color:#fff}</style>${cells}`)
  const window = await openWindow({ size: { width: 2000, height: 1000 } })
  await window.page.goto(pathToFileURL(page).href)
  await window.page.screenshot({ path: join(out, 'contact-sheet.png'), fullPage: true })
  await window.close()
}
