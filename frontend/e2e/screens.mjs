// npm run screens -- FOLDER: pictures of every state in both themes, and one contact sheet for each.
import { runnerImport } from 'vite'

const folder = process.argv[2]
if (!folder) {
  console.error('usage: npm run screens -- FOLDER [name...]')
  process.exit(2)
}
const { module } = await runnerImport('./e2e/screens.ts')
await module.take(folder, process.argv.slice(3))
