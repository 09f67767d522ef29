// Writes what JavaScript's own encoders make of each value of a JSON list on
// standard input, in the format of encode.py.
import { readFileSync } from 'node:fs'
import { stringify } from 'node:querystring'
import { inspect } from 'node:util'

const out = []
JSON.parse(readFileSync(0, 'utf8')).forEach((v, i) => {
  const emit = (by, text) => out.push([i, by, Buffer.from(text).toString('base64'), false])
  const u = new URL('https://h/')
  u.searchParams.set('k', v)
  emit('URLSearchParams', u.search)
  u.search = '?k=' + v.replaceAll('#', '%23').replaceAll('&', '%26')
  emit('URL.search', u.search)
  const p = new URL('https://h/')
  p.pathname = '/' + v.replaceAll('\n', '%0A').replaceAll('\\', '%5C')
  emit('URL.pathname', p.pathname)
  emit('encodeURIComponent', encodeURIComponent(v))
  emit('encodeURI', encodeURI(v))
  emit('encodeURIComponent twice', encodeURIComponent(encodeURIComponent(v)))
  emit('escape', escape(v))
  emit('querystring', stringify({ k: v }))
  emit('JSON.stringify', JSON.stringify({ k: v }))
  emit('JSON.stringify twice', JSON.stringify(JSON.stringify({ k: v })))
  emit('JSON.stringify thrice', JSON.stringify(JSON.stringify(JSON.stringify(v))))
  emit('JSON in a query', encodeURIComponent(JSON.stringify({ k: v })))
  emit('JSON in HTML', JSON.stringify({ k: v }).replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;'))
  emit('inspect', inspect(v))
  emit('base64', Buffer.from(v).toString('base64'))
  emit('base64url', Buffer.from('user:' + v).toString('base64url'))
  emit('hex', Buffer.from(v).toString('hex'))
  emit('data URL', 'data:text/plain,' + encodeURIComponent(v))
  emit('btoa in JSON', JSON.stringify({ a: Buffer.from('a:' + v).toString('base64').replaceAll('/', '\\/') }))
  if (/^[\x00-\xff]*$/.test(v)) emit('utf16le', Buffer.from(v, 'utf16le'))
  emit('every code unit', Array.from({ length: v.length }, (_, k) => '\\u' + v.charCodeAt(k).toString(16).padStart(4, '0')).join(''))
  emit('code points', [...v].map(c => '\\u{' + c.codePointAt(0).toString(16) + '}').join(''))
  emit('Markdown', v.replace(/[\\`*_{}[\]()#+\-.!|<>~]/g, '\\$&'))
})
process.stdout.write(JSON.stringify(out))
