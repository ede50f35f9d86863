// Carries the window in a plain browser, for tests alone: what Wails puts into the page, over HTTP on loopback.
// It must be served as a file of its own and stand before the page's script, for the page's policy refuses inline code.
;(() => {
  const call = async (method, args) => {
    const response = await fetch(`/__call/${encodeURIComponent(method)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(args),
    })
    const text = await response.text()
    // Wails rejects with the error's text, not with an Error.
    if (!response.ok) throw text
    return text === '' ? undefined : JSON.parse(text)
  }
  const heard = new Map()
  let source
  window.go = { app: { App: new Proxy({}, { get: (_, method) => (...args) => call(String(method), args) }) } }
  window.runtime = {
    EventsOn(name, callback) {
      source ??= new EventSource('/__events')
      source.onmessage = (event) => heard.get(event.data)?.forEach((one) => one())
      if (!heard.has(name)) heard.set(name, new Set())
      heard.get(name).add(callback)
      return () => heard.get(name).delete(callback)
    },
  }
})()
