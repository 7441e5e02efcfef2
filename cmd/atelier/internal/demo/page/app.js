// The page of `atelier demo`: a Slack and a Discord side by side.
import { el } from './dom.js';
import { info } from './api.js';
import { SlackPane } from './slack-pane.js';
import { DiscordPane } from './discord-pane.js';

const ideas = [
  ['/imagine a paper crane --ar 3:2', 'slack', 'Make four pictures; parameters work as you know them.'],
  ['/atelier help', 'slack', 'Every verb, by group.'],
  ['/imagine a fox in the snow', 'discord', 'The same on Discord: pick the command, then press Enter.'],
  ['@atelier approve v1', 'thread', 'In a thread, mention Atelier to give a command.'],
  ['/imagine a red kite --provider midjourney', 'slack', 'A hand-off: you run it in your own account and bring the result back.'],
];
const more = [
  'Press V2 or Vary under a picture: whoever presses it makes it, on their own account.',
  'Reply in the thread of either app, with a file, an edit, a reaction: the other app follows.',
  'Open the menu ⋯ of any message and choose “Attach to task”.',
  'Switch who you are at the top of each app. Ada is an admin, Ben and Cleo are editors.',
];

function remembered(kind, personas, fallback) {
  try {
    return personas.find((p) => p.key === sessionStorage.getItem(`atelier.${kind}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

function tabs(panes) {
  const buttons = panes.map((p) => el('button', { type: 'button', class: `tab ${p.kind}`, 'aria-controls': p.root.id, onclick: () => show(p) }, el('span', { class: 'logo', 'aria-hidden': 'true' }), p.name, el('span', { class: 'dot', hidden: true }, el('span', { class: 'sr' }, 'New messages'))));
  const show = (chosen) => panes.forEach((p, i) => {
    p.root.classList.toggle('front', p === chosen);
    buttons[i].setAttribute('aria-pressed', String(p === chosen));
    if (p === chosen) buttons[i].querySelector('.dot').hidden = true;
    if (p === chosen) p.feed.bottom();
  });
  panes.forEach((p, i) => {
    p.onnews = () => {
      if (!p.root.classList.contains('front')) buttons[i].querySelector('.dot').hidden = false;
    };
  });
  document.getElementById('tabs').replaceChildren(...buttons);
  show(panes[0]);
  return show;
}

function tryOut(panes, show, dialog) {
  return (text, where) => {
    dialog.close();
    const [slack, discord] = panes;
    const pane = where === 'discord' ? discord : slack;
    show(pane);
    const composer = where === 'thread' && pane.threadID ? pane.replier : pane.composer;
    composer.fill(text);
  };
}

async function start() {
  const facts = await info();
  const { personas } = facts;
  const options = (kind, fallback) => ({ where: facts[kind], personas, persona: remembered(kind, personas, fallback), verbs: facts.verbs });
  const panes = [new SlackPane(options('slack', personas[0])), new DiscordPane(options('discord', personas[1]))];
  document.getElementById('panes').replaceChildren(...panes.map((p) => p.root));
  const show = tabs(panes);
  const dialog = document.getElementById('ideas');
  const put = tryOut(panes, show, dialog);
  document.getElementById('notice').hidden = facts.persistent;
  document.getElementById('first').addEventListener('click', (e) => put(e.currentTarget.textContent, 'slack'));
  document.getElementById('more').addEventListener('click', () => dialog.showModal());
  const place = { slack: 'Slack', discord: 'Discord', thread: 'Slack thread' };
  document.getElementById('idea-list').replaceChildren(
    ...ideas.map(([text, where, why]) => el('li', {}, el('button', { type: 'button', class: 'idea', onclick: () => put(text, where) }, text), el('span', {}, `${place[where]}. ${why}`))),
    ...more.map((text) => el('li', {}, el('span', {}, text))));
  for (const d of document.querySelectorAll('dialog')) {
    d.addEventListener('click', (e) => (e.target === d || e.target.closest('[data-close]')) && d.close());
  }
  await Promise.all(panes.map((p) => p.start()));
  document.body.classList.add('ready');
}

start().catch((err) => {
  document.getElementById('panes').replaceChildren(el('p', { class: 'failed', role: 'alert' }, `The demo did not start: ${err.message}`));
  throw err;
});
