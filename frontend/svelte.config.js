import { vitePreprocess } from '@sveltejs/vite-plugin-svelte'

export default {
  preprocess: vitePreprocess(),
  // The page's policy refuses <style> elements, so every rule is extracted into the one style sheet.
  compilerOptions: { runes: true, css: 'external' },
}
