// Block Kit, attachments and files as Slack shows them.
import { el, anchor, icon, local, ours, picture, safeHref, sizeName } from './dom.js';
import { glyph } from './emoji.js';
import { mention, mrkdwn } from './mrkdwn.js';

// A ctx beside what mrkdwn wants has act(block, element, value), the press on an interactive element, and file(id).

// textObject draws a text object of either kind.
export function textObject(t, ctx) {
  if (!t) return null;
  if (t.type === 'mrkdwn') return mrkdwn(t.text, ctx);
  return String(t.text ?? '').replace(/:([a-z0-9_+-]+):/g, (hit, name) => glyph(name));
}

const drawers = {
  header: (b, c) => el('div', { class: 'b-header', role: 'heading', 'aria-level': '4' }, textObject(b.text, c)),
  section: section,
  rich_text: (b, c) => el('div', { class: 'b-rich' }, (b.elements ?? []).map((e) => richBlock(e, c))),
  image: imageBlock,
  actions: (b, c) => el('div', { class: 'b-actions' }, (b.elements ?? []).map((e) => element(e, b, c))),
  context: (b, c) => el('div', { class: 'b-context' }, (b.elements ?? []).map((e) => (e.type === 'image' ? el('img', { src: imageSource(e, c), alt: e.alt_text ?? '', class: 'tiny' }) : el('span', {}, textObject(e, c))))),
  divider: () => el('hr'),
  markdown: (b, c) => el('div', {}, mrkdwn(b.text, c)),
  video: (b, c) => el('div', {}, anchor(b.title_url || b.video_url, textObject(b.title, c))),
};

// blocks draws a list of blocks; what this page does not know stays visible as a note.
export function blocks(list, ctx) {
  return (list ?? []).map((b) => (drawers[b.type] ? drawers[b.type](b, ctx) : el('div', { class: 'unknown' }, `This content (${b.type}) cannot be shown here.`)));
}

function section(b, ctx) {
  return el('div', { class: 'b-section' },
    b.text && el('div', { class: 'b-text' }, textObject(b.text, ctx)),
    b.fields && el('div', { class: 'b-fields' }, b.fields.map((f) => el('div', {}, textObject(f, ctx)))),
    b.accessory && el('div', { class: 'b-accessory' }, b.accessory.type === 'image' ? el('img', { src: imageSource(b.accessory, ctx), alt: b.accessory.alt_text ?? '' }) : element(b.accessory, b, ctx)));
}

function imageSource(b, ctx) {
  return b.slack_file ? ctx.file(b.slack_file) : local(b.image_url);
}

function imageBlock(b, ctx) {
  const src = imageSource(b, ctx);
  const title = b.title && el('div', { class: 'b-imgtitle' }, textObject(b.title, ctx));
  if (!src || !ours(src)) return el('div', {}, title, src ? anchor(src, b.alt_text || src) : el('div', { class: 'unknown' }, 'The picture is not ready.'));
  return el('div', { class: 'b-image' }, title, picture(src, b.alt_text, b.image_width, b.image_height, b.block_id));
}

function richBlock(e, ctx) {
  const inner = () => (e.elements ?? []).map((x) => richInline(x, ctx));
  switch (e.type) {
    case 'rich_text_section': return el('div', { class: 'line' }, inner());
    case 'rich_text_preformatted': return el('pre', {}, inner());
    case 'rich_text_quote': return el('blockquote', {}, inner());
    case 'rich_text_list': {
      const items = (e.elements ?? []).map((x) => el('li', {}, (x.elements ?? []).map((y) => richInline(y, ctx))));
      return el(e.style === 'ordered' ? 'ol' : 'ul', { class: `indent-${Math.min(e.indent ?? 0, 5)}`, start: e.offset ? e.offset + 1 : null }, items);
    }
    default: return el('div', { class: 'unknown' }, `This text (${e.type}) cannot be shown here.`);
  }
}

function richInline(e, ctx) {
  let node;
  switch (e.type) {
    case 'text': node = lines(e.text ?? ''); break;
    case 'link': node = anchor(e.url, e.text || e.url); break;
    case 'user': node = mention(e.user_id, '', ctx); break;
    case 'usergroup': node = el('span', { class: 'mention' }, `@${e.usergroup_id}`); break;
    case 'channel': node = el('span', { class: 'mention' }, `#${ctx.channelName(e.channel_id) || e.channel_id}`); break;
    case 'broadcast': node = el('span', { class: 'mention me' }, `@${e.range}`); break;
    case 'emoji': node = el('span', { class: 'emoji', title: `:${e.name}:` }, glyph(e.name, e.unicode)); break;
    case 'date': node = el('time', {}, e.fallback || new Date(e.timestamp * 1000).toLocaleString()); break;
    case 'color': node = el('code', {}, e.value); break;
    default: node = el('span', { class: 'unknown' }, e.type);
  }
  for (const [style, tag] of [['code', 'code'], ['bold', 'strong'], ['italic', 'em'], ['strike', 's'], ['underline', 'u']]) {
    if (e.style?.[style]) node = el(tag, {}, node);
  }
  return node;
}

function lines(text) {
  const out = document.createDocumentFragment();
  text.split('\n').forEach((part, i) => {
    if (i) out.append(el('br'));
    if (part) out.append(part);
  });
  return out;
}

// element draws what can be pressed or chosen.
export function element(e, block, ctx) {
  const key = `${block.block_id}/${e.action_id}`;
  if (e.type === 'button') {
    const attrs = { class: `b-button ${e.style ?? ''}`, 'data-focus': key, 'aria-label': e.accessibility_label ?? null };
    const press = (ev) => ctx.act(block, e, '', ev.currentTarget);
    if (e.url && safeHref(e.url)) return el('a', { ...attrs, href: safeHref(e.url), target: '_blank', rel: 'noopener noreferrer', onclick: press }, textObject(e.text, ctx));
    return el('button', { ...attrs, type: 'button', onclick: press }, textObject(e.text, ctx));
  }
  if (e.type === 'overflow' || e.type.endsWith('_select')) return select(e, block, ctx, key);
  if (e.type === 'checkboxes' || e.type === 'radio_buttons') {
    const box = choices(e, key, ctx);
    box.addEventListener('change', () => ctx.act(block, e, entered(box), box));
    return box;
  }
  if (e.type === 'datepicker') {
    return el('input', { type: 'date', class: 'b-select', 'aria-label': e.placeholder?.text || 'Date', 'data-focus': key, value: e.initial_date ?? null, onchange: (ev) => ctx.act(block, e, ev.target.value, ev.target) });
  }
  return el('span', { class: 'unknown' }, `This control (${e.type}) cannot be shown here.`);
}

function select(e, block, ctx, key) {
  const box = selectBox(e, ctx, { class: 'b-select', 'data-focus': key, 'aria-label': e.placeholder?.text || (e.type === 'overflow' ? 'More' : 'Choose') });
  box.addEventListener('change', () => {
    const value = [...box.selectedOptions].map((o) => o.value).join(',');
    if (value) ctx.act(block, e, value, box);
  });
  return box;
}

// optionsOf lists what a menu offers: {value, label}.
export function optionsOf(e, ctx) {
  if (e.type.includes('users')) return ctx.people().map((u) => ({ value: u.id, label: u.name }));
  if (e.type.includes('conversations') || e.type.includes('channels')) return ctx.rooms().map((r) => ({ value: r.id, label: `#${r.name}` }));
  const groups = e.option_groups ?? [{ options: e.options ?? [] }];
  return groups.flatMap((g) => (g.options ?? []).map((o) => ({ value: o.value, label: plain(o.text), group: g.label && plain(g.label), hint: o.description && plain(o.description) })));
}

const plain = (t) => String(t?.text ?? '').replace(/:([a-z0-9_+-]+):/g, (hit, name) => glyph(name));

// selectBox is the menu element alone; chosen overrides its initial choice.
export function selectBox(e, ctx, attrs, chosen) {
  const multi = e.type.startsWith('multi_');
  const box = el('select', { ...attrs, multiple: multi });
  if (!multi) box.append(el('option', { value: '' }, e.type === 'overflow' ? '⋯' : e.placeholder?.text || 'Choose an option'));
  const on = chosen ?? initial(e);
  for (const o of optionsOf(e, ctx)) box.append(el('option', { value: o.value, selected: on.includes(o.value) }, o.label));
  return box;
}

// initial lists the values that an element starts with.
export function initial(e) {
  const many = e.initial_options ?? (e.initial_option ? [e.initial_option] : []);
  const ids = e.initial_users ?? e.initial_conversations ?? e.initial_channels ?? [e.initial_user ?? e.initial_conversation ?? e.initial_channel].filter(Boolean);
  return many.length ? many.map((o) => o.value) : ids;
}

// choices is a group of checkboxes or radio buttons.
export function choices(e, key, ctx, chosen) {
  const on = chosen ?? initial(e);
  const type = e.type === 'checkboxes' ? 'checkbox' : 'radio';
  return el('div', { class: 'b-choices', role: type === 'radio' ? 'radiogroup' : 'group' }, (e.options ?? []).map((o) => el('label', {},
    el('input', { type, name: key, value: o.value, checked: on.includes(o.value), 'data-focus': `${key}/${o.value}` }),
    el('span', {}, textObject(o.text, ctx), o.description && el('small', {}, textObject(o.description, ctx))))));
}

// entered reads a group of choices back.
export const entered = (box) => [...box.querySelectorAll('input:checked')].map((i) => i.value).join(',');

// attachments draws the older kind of extra content, and previews of links.
export function attachments(list, ctx) {
  return (list ?? []).map((a) => {
    const bar = el('div', { class: 'attachment' },
      a.service_name && el('div', { class: 'a-service' }, a.service_name),
      a.author_name && el('div', { class: 'a-author' }, a.author_name),
      a.title && el('div', { class: 'a-title' }, a.title_link ? anchor(a.title_link, a.title) : a.title),
      a.text && el('div', {}, mrkdwn(a.text, ctx)),
      a.fields && el('div', { class: 'b-fields' }, a.fields.map((f) => el('div', {}, el('strong', {}, f.title), el('br'), mrkdwn(f.value, ctx)))),
      blocks(a.blocks, ctx),
      a.image_url && ours(a.image_url) && picture(a.image_url, a.fallback || a.title, a.image_width, a.image_height),
      !a.text && !a.title && !a.blocks && a.fallback,
      a.footer && el('div', { class: 'b-context' }, a.footer));
    if (/^#?[0-9a-f]{6}$/i.test(a.color ?? '')) bar.style.borderColor = `#${a.color.replace('#', '')}`;
    return bar;
  });
}

// files draws uploads: pictures as pictures, the rest as chips.
export function files(list, urls) {
  if (!list?.length) return null;
  return el('div', { class: 'files' }, list.map((f, i) => {
    const url = local(urls?.[i]);
    if (f.deleted) return el('div', { class: 'unknown' }, 'This file was deleted.');
    if (f.mimetype?.startsWith('image/') && url) return picture(url, f.alt_txt || f.title || f.name, f.original_w, f.original_h, f.id);
    return el('a', { class: 'filechip', href: url ? `${url}?download=1` : null, download: f.name }, icon('file', 22), el('span', {}, el('b', {}, f.title || f.name), el('small', {}, sizeName(f.size ?? 0))));
  }));
}
