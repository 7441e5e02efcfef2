// Discord's markdown as DOM nodes.
import { el, anchor, local } from './dom.js';

const inlineRules = [
  [/^\\([^\p{L}\p{N}\s])/u, (m) => m[1]],
  [/^``(.+?)``(?!`)/s, (m) => el('code', {}, m[1].trim())],
  [/^`([^`]+)`/, (m) => el('code', {}, m[1])],
  [/^\*\*\*(?=\S)(.+?\S|\S)\*\*\*/s, (m, c) => el('strong', {}, el('em', {}, inline(m[1], c)))],
  [/^\*\*(?=\S)(.+?)\*\*(?!\*)/s, (m, c) => el('strong', {}, inline(m[1], c))],
  [/^__(?=\S)(.+?)__(?!_)/s, (m, c) => el('u', {}, inline(m[1], c))],
  [/^\*(?=[^\s*])(.+?)\*(?!\*)/s, (m, c) => el('em', {}, inline(m[1], c))],
  [/^_(?=[^\s_])(.+?)_(?![\p{L}\p{N}_])/su, (m, c) => el('em', {}, inline(m[1], c))],
  [/^~~(?=\S)(.+?)~~/s, (m, c) => el('s', {}, inline(m[1], c))],
  [/^\|\|(.+?)\|\|/s, (m, c) => spoiler(inline(m[1], c))],
  [/^<@!?(\d+)>/, (m, c) => el('span', { class: m[1] === c.me ? 'mention me' : 'mention' }, `@${c.userName(m[1]) || 'unknown-user'}`)],
  [/^<@&(\d+)>/, (m, c) => el('span', { class: 'mention' }, `@${c.roleName(m[1]) || 'unknown-role'}`)],
  [/^<#(\d+)>/, (m, c) => c.channelLink(m[1])],
  [/^<a?:(\w+):(\d+)>/, (m, c) => el('img', { class: 'emoji', alt: `:${m[1]}:`, title: `:${m[1]}:`, src: c.emojiURL(m[2]) })],
  [/^<\/([^:>]+):\d+>/, (m) => el('span', { class: 'mention' }, `/${m[1]}`)],
  [/^<t:(-?\d+)(?::([tTdDfFR]))?>/, (m) => stamp(Number(m[1]), m[2])],
  [/^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (m, c) => anchor(m[2], inline(m[1], { ...c, linked: true }))],
  [/^<(https?:\/\/[^\s>]+)>/, (m) => anchor(m[1], m[1])],
  [/^https?:\/\/[^\s<]+[^\s<.,:;"')\]!?*_~|]/, (m, c) => (c.linked ? m[0] : anchor(m[0], m[0]))],
  [/^@(everyone|here)\b/, (m, c) => (c.everyone ? el('span', { class: 'mention me' }, m[0]) : m[0])],
  [/^\n/, () => el('br')],
];

const special = /[\\`*_~|<[@\n]|https?:/;

function inline(text, ctx) {
  const out = document.createDocumentFragment();
  let rest = text;
  let before = '';
  scan: while (rest) {
    if (!/[\p{L}\p{N}]$/u.test(before) || !/^(_|https?:)/.test(rest)) {
      for (const [rule, draw] of inlineRules) {
        const m = rule.exec(rest);
        if (!m) continue;
        out.append(draw(m, ctx));
        before = m[0];
        rest = rest.slice(m[0].length);
        continue scan;
      }
    }
    const next = rest.slice(1).search(special);
    const n = next < 0 ? rest.length : next + 1;
    before = rest.slice(0, n);
    out.append(before);
    rest = rest.slice(n);
  }
  return out;
}

function spoiler(content) {
  const box = el('span', { class: 'spoiler', role: 'button', tabindex: '0', 'aria-label': 'Spoiler, press to show' }, el('span', {}, content));
  const show = () => {
    box.classList.add('shown');
    for (const name of ['role', 'tabindex', 'aria-label']) box.removeAttribute(name);
  };
  box.addEventListener('click', show);
  box.addEventListener('keydown', (e) => {
    if (e.key !== 'Enter' && e.key !== ' ') return;
    e.preventDefault();
    show();
  });
  return box;
}

const styles = {
  t: { timeStyle: 'short' }, T: { timeStyle: 'medium' }, d: { dateStyle: 'short' }, D: { dateStyle: 'long' },
  f: { dateStyle: 'long', timeStyle: 'short' }, F: { dateStyle: 'full', timeStyle: 'short' },
};

function stamp(seconds, style = 'f') {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return String(seconds);
  const full = at.toLocaleString(undefined, styles.F);
  return el('time', { class: 'stamp', datetime: at.toISOString(), title: full }, style === 'R' ? relative(at) : at.toLocaleString(undefined, styles[style]));
}

function relative(at) {
  const s = Math.round((at - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    if (Math.abs(s) >= size) return words.format(Math.round(s / size), unit);
  }
  return words.format(s, 'second');
}

const listLine = /^(\s*)([-*]|\d{1,9}\.)\s+(.*)$/;

// block draws lines that are no fence.
function block(lines, ctx, out) {
  let para = [];
  const flush = () => {
    if (para.length) out.append(el('div', { class: 'line' }, inline(para.join('\n'), ctx)));
    para = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const head = /^(#{1,3})\s+(\S.*)$/.exec(line);
    if (head) {
      flush();
      out.append(el('div', { class: `md-h md-h${head[1].length}` }, inline(head[2], ctx)));
    } else if (/^-#\s+\S/.test(line)) {
      flush();
      out.append(el('div', { class: 'md-small' }, inline(line.slice(2).trim(), ctx)));
    } else if (/^>>>\s/.test(line)) {
      flush();
      out.append(quote([line.slice(4), ...lines.slice(i + 1)], ctx));
      return;
    } else if (/^>\s/.test(line)) {
      flush();
      const quoted = [];
      for (; i < lines.length && /^>\s/.test(lines[i]); i++) quoted.push(lines[i].slice(2));
      i--;
      out.append(quote(quoted, ctx));
    } else if (listLine.test(line)) {
      flush();
      i = list(lines, i, ctx, out);
    } else para.push(line);
  }
  flush();
}

function quote(lines, ctx) {
  const box = el('blockquote');
  block(lines, ctx, box);
  return box;
}

function list(lines, i, ctx, out) {
  const first = listLine.exec(lines[i]);
  const ordered = /\d/.test(first[2]);
  const box = el(ordered ? 'ol' : 'ul', ordered ? { start: parseInt(first[2], 10) } : {});
  let last = null;
  for (; i < lines.length; i++) {
    const m = listLine.exec(lines[i]);
    if (!m) break;
    if (last && m[1].length > first[1].length) {
      i = list(lines, i, ctx, last);
      continue;
    }
    if (m[1].length < first[1].length || /\d/.test(m[2]) !== ordered) break;
    last = el('li', {}, inline(m[3], ctx));
    box.append(last);
  }
  out.append(box);
  return i - 1;
}

// markdown draws a text. ctx has me, everyone, userName, roleName, channelLink and emojiURL.
export function markdown(text, ctx) {
  const out = document.createDocumentFragment();
  String(text ?? '').split(/```(?:([\w+-]*)\n)?([\s\S]+?)```/).forEach((part, i, all) => {
    if (i % 3 === 1) return;
    if (i % 3 === 2) {
      out.append(el('pre', { 'data-language': all[i - 1] || null }, el('code', {}, part.replace(/\n$/, ''))));
      return;
    }
    const trimmed = part.replace(i > 0 ? /^\n/ : /^(?!)/, '').replace(/\n$/, '');
    if (trimmed) block(trimmed.split('\n'), ctx, out);
  });
  return out;
}

// spoken is a text without its marks.
export function spoken(text, ctx) {
  const box = el('div');
  box.append(markdown(text, ctx));
  return box.textContent;
}

// mediaURL is where a browser finds a picture of an embed or a component.
export const mediaURL = (media) => local(media?.proxy_url || media?.url || '');
