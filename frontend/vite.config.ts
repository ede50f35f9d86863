import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte'
import { svelteTesting } from '@testing-library/svelte/vite'
import { defineConfig } from 'vitest/config'
import type { Plugin } from 'vite'

/** `vite dev` serves styles and its reload socket inline; only there is the page's policy taken out. */
function noPolicyWhileDeveloping(): Plugin {
  return {
    name: 'no-policy-while-developing',
    apply: 'serve',
    transformIndexHtml: (html) => html.replace(/\s*<meta http-equiv="Content-Security-Policy"[^>]*>/, ''),
  }
}

export default defineConfig({
  plugins: [svelte({ preprocess: vitePreprocess() }), svelteTesting(), noPolicyWhileDeveloping()],
  build: {
    target: 'es2023',
    // A face below the limit would become a data: address, which the policy's font-src refuses.
    assetsInlineLimit: 0,
    modulePreload: false,
    // One small page: a second style sheet or script would only be a second request.
    cssCodeSplit: false,
  },
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // The style test reads the style sheets as text.
    css: true,
    // A person's steps, one by one, on a machine that does other things besides.
    testTimeout: 30_000,
    restoreMocks: true,
  },
})
