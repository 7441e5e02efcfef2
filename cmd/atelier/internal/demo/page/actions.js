// What one can do with a message: the buttons that appear beside it, and the same as a menu for the keyboard.
import { el, icon, iconButton, popover } from './dom.js';
import { glyph, picks } from './emoji.js';

// tools draws the buttons of a message. do has any of react(name), thread(), reply(), edit(), remove(), and menu, a list of {label, run}.
export function tools(deeds, author) {
  const more = iconButton('more', `Actions for the message of ${author}`, (e) => openMenu(e.currentTarget, deeds), { class: 'tool more', 'aria-haspopup': 'dialog', 'data-focus': 'more' });
  const quick = (name, label, run) => run && iconButton(name, label, (e) => run(e.currentTarget), { tabindex: '-1' });
  return el('div', { class: 'tools' },
    quick('smile', 'Add reaction', deeds.react && ((node) => pickEmoji(node, deeds.react))),
    quick('reply', 'Reply', deeds.reply),
    quick('thread', deeds.threadLabel ?? 'Reply in thread', deeds.thread),
    quick('pencil', 'Edit message', deeds.edit),
    more);
}

function openMenu(anchorNode, deeds) {
  let close = () => {};
  const entry = (name, label, run, cls = '') => run && el('button', { type: 'button', class: `entry ${cls}`, onclick: () => {
    close(true);
    run(anchorNode);
  } }, icon(name, 16), label);
  const list = el('div', { class: 'menu' },
    entry('smile', 'Add reaction', deeds.react && (() => pickEmoji(anchorNode, deeds.react))),
    entry('reply', 'Reply', deeds.reply),
    entry('thread', deeds.threadLabel ?? 'Reply in thread', deeds.thread),
    (deeds.menu ?? []).map((m) => entry('bolt', m.label, m.run)),
    entry('pencil', 'Edit message', deeds.edit),
    entry('trash', 'Delete message', deeds.remove, 'danger'));
  close = popover(anchorNode, list, 'Message actions');
}

// pickEmoji offers the reactions.
export function pickEmoji(anchorNode, react) {
  let close = () => {};
  const grid = el('div', { class: 'emojis' }, picks.map((name) => el('button', { type: 'button', 'aria-label': name.replaceAll('_', ' '), title: `:${name}:`, onclick: () => {
    close(true);
    react(name);
  } }, glyph(name))));
  close = popover(anchorNode, grid, 'Pick a reaction');
}

// reactions draws the counted emoji below a message: {char, image, name, users, mine}; toggle(reaction) puts or takes back one's own.
export function reactions(list, names, toggle, add) {
  if (!list.length) return null;
  return el('div', { class: 'reactions' }, list.map((r) => {
    const who = r.users.map(names).join(', ');
    return el('button', { type: 'button', class: r.mine ? 'reaction mine' : 'reaction', 'aria-pressed': String(r.mine), 'aria-label': `${r.name.replaceAll('_', ' ')}, ${r.users.length}: ${who}`, title: `${who} reacted with :${r.name}:`,
      'data-focus': `reaction:${r.name}`, onclick: () => toggle(r) }, r.image ? el('img', { class: 'emoji', src: r.image, alt: '' }) : el('span', { class: 'emoji' }, r.char), el('span', {}, String(r.users.length)));
  }), add && iconButton('smile', 'Add reaction', (e) => pickEmoji(e.currentTarget, add), { class: 'reaction add', 'data-focus': 'reaction:add' }));
}
