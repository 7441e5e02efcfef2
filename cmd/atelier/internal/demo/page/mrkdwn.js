// Slack's mrkdwn as DOM nodes.
import { el, anchor } from './dom.js';
import { glyph } from './emoji.js';

// unescape undoes Slack's three entities.
export const unescape = (text) => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');

const marks = { '*': 'strong', _: 'em', '~': 's' };

// mention is a person as shown inside a text.
export function mention(id, label, ctx) {
  const name = ctx.userName(id) || label || id;
  return el('span', { class: id === ctx.me ? 'mention me' : 'mention' }, `@${name}`);
}

// reference draws what stands between angle brackets.
function reference(body, ctx) {
  const bar = body.indexOf('|');
  const head = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? '' : unescape(body.slice(bar + 1));
  if (head.startsWith('@')) return mention(head.slice(1), label, ctx);
  if (head.startsWith('#')) return el('span', { class: 'mention' }, `#${ctx.channelName(head.slice(1)) || label || head.slice(1)}`);
  if (head.startsWith('!date^')) return el('time', {}, dated(head, label));
  if (head.startsWith('!')) return el('span', { class: 'mention' }, label || `@${head.slice(1).split('^')[0]}`);
  const url = unescape(head);
  return anchor(url, label || url.replace(/^mailto:/, ''));
}

function dated(head, label) {
  const [, seconds, format] = head.split('^');
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return label;
  const day = { dateStyle: 'long' };
  const time = { timeStyle: 'short' };
  return format.replace(/\{date[a-z_]*\}/g, at.toLocaleDateString(undefined, day)).replace(/\{time[a-z_]*\}/g, at.toLocaleTimeString(undefined, time));
}

const token = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+(?:::skin-tone-\d)?):|\n/g;

// A mark opens only at the start of a word and closes only at its end.
function styled(text, out) {
  const mark = /(^|[^\p{L}\p{N}])([*_~])(?=\S)(.*?\S)\2(?![\p{L}\p{N}])/su.exec(text);
  if (!mark) {
    if (text) out.push(unescape(text));
    return;
  }
  const [whole, before, sign, inner] = mark;
  styled(text.slice(0, mark.index) + before, out);
  const kids = [];
  styled(inner, kids);
  out.push(el(marks[sign], {}, ...kids));
  styled(text.slice(mark.index + whole.length), out);
}

function inline(text, ctx) {
  // References and code stand in as private-use characters, so that marks may span them.
  const held = [];
  const hold = (node) => String.fromCharCode(0xe000 + held.push(node) - 1);
  const flat = text.replace(token, (hit, block, code, ref, emoji) => {
    if (held.length > 6000) return hit;
    if (block !== undefined) return hold(el('pre', {}, unescape(block.replace(/^\n/, ''))));
    if (code !== undefined) return hold(el('code', {}, unescape(code)));
    if (ref !== undefined) return hold(reference(ref, ctx));
    if (emoji !== undefined) return hold(el('span', { class: 'emoji', title: hit }, glyph(emoji)));
    return hold(el('br'));
  });
  const parts = [];
  styled(flat, parts);
  return put(parts, held);
}

function put(parts, held) {
  const out = document.createDocumentFragment();
  for (const part of parts) {
    if (typeof part === 'string') {
      for (const piece of part.split(/([\ue000-\uf8ff])/)) {
        if (piece) out.append(held[piece.charCodeAt(0) - 0xe000] ?? piece);
      }
    } else {
      const inner = put([...part.childNodes].map((n) => (n.nodeType === Node.TEXT_NODE ? n.data : n)), held);
      part.replaceChildren(inner);
      out.append(part);
    }
  }
  return out;
}

// mrkdwn draws a text. ctx has me, userName(id) and channelName(id).
export function mrkdwn(text, ctx) {
  const out = document.createDocumentFragment();
  let quote = [];
  let plain = [];
  const flush = () => {
    if (quote.length) out.append(el('blockquote', {}, inline(quote.join('\n'), ctx)));
    if (plain.length) out.append(inline(plain.join('\n'), ctx));
    quote = [];
    plain = [];
  };
  let fenced = false;
  for (const line of String(text ?? '').split('\n')) {
    const quoted = !fenced && /^(&gt;|>)\s?/.exec(line);
    if (quoted ? plain.length : quote.length) flush();
    (quoted ? quote : plain).push(quoted ? line.slice(quoted[0].length) : line);
    if ((line.match(/```/g) ?? []).length % 2) fenced = !fenced;
  }
  flush();
  return out;
}

// spoken is a text without its marks, for lists and screen readers.
export function spoken(text, ctx) {
  const box = el('div');
  box.append(mrkdwn(text, ctx));
  return box.textContent;
}

// editable is the text as its author would type it again.
export function editable(text, ctx) {
  return unescape(String(text ?? '').replace(/<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>/g, (_, kind, id, label) => {
    if (kind === '@') return `@${ctx.handle(id) || label || id}`;
    if (kind === '#') return `#${ctx.channelName(id) || label || id}`;
    return kind === '!' ? `@${id}` : id;
  }));
}
