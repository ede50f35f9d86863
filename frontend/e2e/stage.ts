// A stand-in for Go on a loopback port: it serves the built page with a bridge in front, answers bound calls, and
// sends the event. The bridge is the contract of any server that carries the window in a plain browser:
//
//   GET  /__bridge.js       defines window.go.app.App and window.runtime, before the page's own script
//   POST /__call/{method}   a JSON array of arguments; 200 with the JSON answer, 4xx with the text of the rejection
//   GET  /__events          server-sent events; each message is the name of an event

import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Failure, State, Wallet } from '../src/gateway'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const bridge = fileURLToPath(new URL('./bridge.js', import.meta.url))
const types: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' }

/** The policy as a header, as the window's own server sends it besides the page's meta element. */
export const policy =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'"

type Arguments = readonly (string | string[])[]
/** Answers one bound call; a thrown Failure is a rejection. null never answers. */
export type Answers = Partial<Record<string, ((args: Arguments) => unknown) | null>>

/** What a call throws to be rejected as Go would reject it. */
export class Rejection extends Error {
  constructor(failure: Failure) {
    super(JSON.stringify(failure))
  }
}

export class Stage {
  state: State
  wallets: Wallet[]
  answers: Answers
  readonly calls: { method: string; args: Arguments }[] = []

  #server: Server | undefined
  #listeners = new Set<ServerResponse>()

  constructor(state: State, wallets: Wallet[] = [], answers: Answers = {}) {
    this.state = state
    this.wallets = wallets
    this.answers = answers
  }

  /** Serves on a free port of 127.0.0.1, and answers with its address. */
  async open(): Promise<string> {
    const server = createServer((request, response) => {
      this.#serve(request.method ?? 'GET', new URL(request.url ?? '/', 'http://stage').pathname, request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
    })
    this.#server = server
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.end()
    this.#server?.closeAllConnections()
    await new Promise<void>((closed) => (this.#server ? this.#server.close(() => closed()) : closed()))
  }

  /** Changes the state and tells the page. */
  become(state: State, wallets = this.wallets) {
    this.state = state
    this.wallets = wallets
    for (const listener of this.#listeners) listener.write('data: latchkey:changed\n\n')
  }

  async #serve(method: string, path: string, request: AsyncIterable<Buffer>, response: ServerResponse) {
    if (path === '/__events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write(':\n\n')
      this.#listeners.add(response)
      response.on('close', () => this.#listeners.delete(response))
      return
    }
    if (path === '/__bridge.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(await readFile(bridge))
      return
    }
    if (path.startsWith('/__call/') && method === 'POST') {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      const args = JSON.parse(Buffer.concat(parts).toString()) as Arguments
      await this.#call(path.slice('/__call/'.length), args, response)
      return
    }
    const file = normalize(path === '/' ? '/index.html' : path)
    let body = await readFile(join(dist, file))
    if (file === '/index.html') body = Buffer.from(body.toString().replace('<head>', '<head><script src="/__bridge.js"></script>'))
    response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': policy }).end(body)
  }

  async #call(method: string, args: Arguments, response: ServerResponse) {
    this.calls.push({ method, args })
    const answer = this.answers[method]
    if (answer === null) return
    try {
      const value = answer ? await answer(args) : this.#plain(method)
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value ?? null))
    } catch (error) {
      response.writeHead(422, { 'Content-Type': 'text/plain' }).end(error instanceof Error ? error.message : String(error))
    }
  }

  #plain(method: string): unknown {
    switch (method) {
      case 'Wallets': return this.wallets
      case 'Copy':
      case 'CopyLink':
      case 'Ready': return null
      default: return this.state
    }
  }
}
