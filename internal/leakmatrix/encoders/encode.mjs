// Writes what JavaScript's own encoders make of each value that a JSON object on
// standard input lists, in the format of encode.py.
import { readFileSync } from 'node:fs'
import { escape as queryEscape } from 'node:querystring'
import { format, inspect } from 'node:util'

const { values, users } = JSON.parse(readFileSync(0, 'utf8'))
const out = []
values.forEach((v, i) => {
  const emit = (name, kind, text) => out.push([i, name, kind, Buffer.from(text).toString('base64')])
  const u = new URL('https://api.example/')
  u.searchParams.set('key', v)
  emit('URLSearchParams', 'text', u.search)
  const q = new URL('https://api.example/')
  q.search = '?key=' + v.replaceAll('%', '%25').replaceAll('#', '%23').replaceAll('&', '%26').replaceAll('\n', '%0A')
  emit('URL.search', 'text', q.search)
  const p = new URL('https://api.example/')
  p.pathname = '/' + v.replaceAll('%', '%25').replaceAll('\n', '%0A').replaceAll('\\', '%5C')
  emit('URL.pathname', 'text', p.pathname)
  const h = new URL('https://api.example/')
  h.hash = v.replaceAll('%', '%25').replaceAll('\n', '%0A')
  emit('URL.hash', 'text', h.hash)
  emit('encodeURIComponent', 'text', encodeURIComponent(v))
  emit('encodeURI', 'text', encodeURI(v))
  emit('encodeURIComponent twice', 'text', encodeURIComponent(encodeURIComponent(v)))
  emit('escape', 'text', escape(v))
  emit('querystring.escape', 'text', queryEscape(v))
  emit('JSON.stringify', 'json', JSON.stringify({ key: v }))
  emit('JSON.stringify twice', 'json', JSON.stringify(JSON.stringify({ key: v })))
  emit('JSON in a query', 'text', '?q=' + encodeURIComponent(JSON.stringify({ key: v })))
  emit('util.inspect', 'json', inspect({ key: v }, { breakLength: Infinity, maxStringLength: null }))
  emit('util.format %j', 'json', format('%j', [v]))
  emit('RegExp.source', 'any', new RegExp(v.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).source)
  emit('code points', 'json', [...v].map(c => '\\u{' + c.codePointAt(0).toString(16) + '}').join(''))
  emit('data URL', 'text', 'data:text/plain;base64,' + Buffer.from(v).toString('base64'))
  emit('Buffer base64url, user', 'text', Buffer.from(users[1] + ':' + v).toString('base64url'))
  emit('base64 in JSON, slashes', 'json', JSON.stringify({ auth: Buffer.from(users[2] + ':' + v).toString('base64') }).replaceAll('/', '\\/'))
  emit('JSON for a script', 'html', JSON.stringify(v).replace(/[<>&\u2028\u2029]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')))
})
process.stdout.write(JSON.stringify(out))
