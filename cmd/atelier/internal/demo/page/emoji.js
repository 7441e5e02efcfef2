// Emoji by the short names that people type; both platforms share them.

const table = {
  '+1': '👍', thumbsup: '👍', '-1': '👎', heart: '❤️', grinning: '😀', joy: '😂', heart_eyes: '😍', blush: '😊', smile: '😄', cry: '😢', open_mouth: '😮',
  thinking_face: '🤔', tada: '🎉', fire: '🔥', sparkles: '✨', star: '⭐', rocket: '🚀', eyes: '👀', pray: '🙏', clap: '👏', raised_hands: '🙌', 100: '💯',
  white_check_mark: '✅', x: '❌', warning: '⚠️', art: '🎨', frame_with_picture: '🖼️', lower_left_paintbrush: '🖌️', pushpin: '📌', paperclip: '📎', repeat: '🔁',
  mag: '🔍', clock1: '🕐', hourglass_flowing_sand: '⏳', speech_balloon: '💬', new: '🆕', red_circle: '🔴', large_green_circle: '🟢', large_yellow_circle: '🟡',
  game_die: '🎲', seedling: '🌱', fox_face: '🦊', cat: '🐱', dog: '🐶', rainbow: '🌈', star2: '🌟', bulb: '💡', robot_face: '🤖', wave: '👋', blue_heart: '💙',
};

const names = new Map(Object.entries(table).map(([name, char]) => [char.replace('\uFE0F', ''), name]).reverse());

// glyph gives the character of a short name, or ":name:" when it is not known. code is Slack's hexadecimal spelling.
export function glyph(name, code) {
  const bare = name.replace(/::skin-tone-\d/, '');
  if (table[bare]) return table[bare];
  const points = code ? code.split('-').map((h) => parseInt(h, 16)) : [];
  return points.length && points.every((p) => p > 0 && p < 0x110000) ? String.fromCodePoint(...points) : `:${name}:`;
}

// known reports whether the short name is in the table.
export const known = (name) => Object.hasOwn(table, name);

// shortName gives the name of a character, or the character.
export const shortName = (char) => names.get(char.replace('\uFE0F', '')) ?? char;

// withGlyphs replaces every known :name: in a text, as clients do that send characters.
export const withGlyphs = (text) => text.replace(/:([a-z0-9_+-]+):/g, (hit, name) => (known(name) ? table[name] : hit));

// picks are offered first in the reaction picker.
export const picks = ['+1', 'heart', 'tada', 'eyes', 'fire', 'white_check_mark', 'sparkles', 'art', 'joy', 'clap', 'thinking_face', '-1', 'raised_hands', 'rocket', '100', 'x'];

// matching lists names that begin with, then contain, the typed part.
export function matching(part) {
  const all = Object.keys(table).filter((n) => n !== 'thumbsup');
  return [...all.filter((n) => n.startsWith(part)), ...all.filter((n) => !n.startsWith(part) && n.includes(part))].slice(0, 6).map((n) => ({ name: n, char: table[n] }));
}
