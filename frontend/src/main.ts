import { mount } from 'svelte'
import App from './App.svelte'
import { wails } from './gateway'
import { Desk } from './state/desk.svelte'
import './ui/base.css'

/** How long the latch takes to close, in ms: the token, which is 0 with reduced motion. */
function latchTime(): number {
  const token = getComputedStyle(document.documentElement).getPropertyValue('--latch')
  const value = Number.parseFloat(token)
  if (Number.isNaN(value)) return 0
  return /\dm?s/.test(token) && !token.includes('ms') ? value * 1000 : value
}

const target = document.getElementById('app')
if (!target) throw new Error('index.html has no #app')

const desk = new Desk(wails, latchTime)
mount(App, { target, props: { desk, latchTime } })
desk.run()

// Two frames on, the first is on the screen.
requestAnimationFrame(() => requestAnimationFrame(() => void wails.ready()))
