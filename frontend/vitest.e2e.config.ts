import { defineConfig } from 'vitest/config'

// In the real browser. With LATCHKEY_BRIDGE_URL the journeys run against the real App behind it, which must be new:
// its folders empty. Without it they run against a stand-in, and every scene is checked as well.
export default defineConfig({
  test: {
    include: ['e2e/**/*.e2e.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // One browser at a time: pictures of time and focus suffer under load.
    fileParallelism: false,
    sequence: { concurrent: false },
  },
})
