// Drives the simulated Discord with the official JavaScript client, as an app of its own would: connect, register a command, answer it with a
// file and a button, open a form from the button, read the form. People are made to act through the simulator's controls.
//
// SIM_URL is the simulator's root, SIM_TOKEN the app's token, SIM_CHANNEL, SIM_GUILD and SIM_PERSON ids in it.
import {
  ActionRowBuilder, ApplicationCommandOptionType, AttachmentBuilder, ButtonBuilder, ButtonStyle, Client, Events, GatewayIntentBits, MessageFlags,
  ModalBuilder, Partials, TextInputBuilder, TextInputStyle,
} from 'discord.js';

const { SIM_URL, SIM_TOKEN, SIM_CHANNEL, SIM_GUILD, SIM_PERSON } = process.env;
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGP4z8DAxAACAAkEAQHdv0cYAAAAAElFTkSuQmCC', 'base64');

const deadline = setTimeout(() => { console.error('timed out'); process.exit(1); }, 30000);

function check(what, ok) {
  if (!ok) throw new Error(`check failed: ${what}`);
  console.log(`ok ${what}`);
}

async function act(action) {
  const res = await fetch(`${SIM_URL}/control/act`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ as: SIM_PERSON, channel: SIM_CHANNEL, ...action }),
  });
  const body = await res.json();
  if (!res.ok) throw new Error(`${action.do}: ${JSON.stringify(body)}`);
  return body;
}

// next resolves with the first event for which test holds; it is asked for before the action that causes it.
function next(client, event, test = () => true) {
  return new Promise((resolve) => {
    const listener = (...args) => {
      if (!test(...args)) return;
      client.off(event, listener);
      resolve(args);
    };
    client.on(event, listener);
  });
}

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent, GatewayIntentBits.GuildMessageReactions,
    GatewayIntentBits.GuildWebhooks, GatewayIntentBits.GuildMembers],
  partials: [Partials.Message, Partials.Reaction],
  rest: { api: `${SIM_URL}/api`, cdn: `${SIM_URL}/cdn`, version: '10' },
});
client.on(Events.Error, (err) => { throw err; });

try {
  const ready = next(client, Events.ClientReady);
  await client.login(SIM_TOKEN);
  await ready;
  const guild = client.guilds.cache.get(SIM_GUILD);
  check('ready with the guild', guild && client.user.bot);
  check('members are there', guild.members.cache.has(SIM_PERSON));
  const channel = guild.channels.cache.get(SIM_CHANNEL);

  const commands = await client.application.commands.set([{
    name: 'paint', description: 'Paint something',
    options: [
      { name: 'prompt', description: 'What', type: ApplicationCommandOptionType.String, required: true, autocomplete: true },
      { name: 'picture', description: 'From what', type: ApplicationCommandOptionType.Attachment },
    ],
  }]);
  check('command registered', commands.size === 1);

  client.on(Events.InteractionCreate, async (interaction) => {
    if (interaction.isAutocomplete()) {
      await interaction.respond([{ name: 'a red fox', value: 'fox' }]);
    } else if (interaction.isChatInputCommand()) {
      await interaction.deferReply();
      const picture = interaction.options.getAttachment('picture');
      const bytes = Buffer.from(await (await fetch(picture.url)).arrayBuffer());
      await interaction.editReply({
        content: `painted ${interaction.options.getString('prompt')}`,
        files: [new AttachmentBuilder(bytes, { name: 'fox.png', description: 'a fox' })],
        components: [new ActionRowBuilder().addComponents(new ButtonBuilder().setCustomId('vary').setLabel('Vary').setStyle(ButtonStyle.Primary))],
      });
      await interaction.followUp({ content: 'only for you', flags: MessageFlags.Ephemeral });
    } else if (interaction.isButton()) {
      await interaction.showModal(new ModalBuilder().setCustomId('how').setTitle('How?').addComponents(
        new ActionRowBuilder().addComponents(new TextInputBuilder().setCustomId('why').setLabel('Why').setStyle(TextInputStyle.Short))));
    } else if (interaction.isModalSubmit()) {
      await interaction.update({ content: `varied because ${interaction.fields.getTextInputValue('why')}`, components: [] });
    }
  });

  const suggested = await act({ do: 'autocomplete', command: 'paint', options: { prompt: 'fo' }, focused: 'prompt' });
  check('autocomplete answered', suggested.choices.length === 1 && suggested.choices[0].value === 'fox');

  const followed = next(client, Events.MessageUpdate, (_, m) => m.content.startsWith('painted') && m.attachments.size === 1);
  const used = await act({ do: 'command', command: 'paint', options: { prompt: 'fox' }, files: [{ name: 'in.png', data: PNG.toString('base64') }] });
  check('command deferred', used.response === 5);
  const [, painted] = await followed;
  const file = painted.attachments.first();
  check('upload measured', file.width === 2 && file.height === 3 && file.description === 'a fox' && file.contentType === 'image/png');
  check('file readable', Buffer.from(await (await fetch(file.url)).arrayBuffer()).equals(PNG));

  const pressed = await act({ do: 'press', message: painted.id, custom_id: 'vary' });
  check('button opened a form', pressed.modal?.custom_id === 'how');
  const varied = next(client, Events.MessageUpdate, (_, m) => m.content === 'varied because it is fun');
  const submitted = await act({ do: 'submit', fields: { why: 'it is fun' } });
  check('form answered', submitted.response === 7);
  const [, final] = await varied;
  check('buttons gone', final.components.length === 0);

  const posted = await channel.send({ content: 'hello <@' + SIM_PERSON + '>', allowedMentions: { parse: [] } });
  check('post without ping', posted.mentions.users.size === 0);
  const thread = await posted.startThread({ name: 'Talk' });
  check('thread has its message id', thread.id === posted.id);
  const heard = next(client, Events.MessageCreate, (m) => m.channelId === thread.id && !m.author.bot && m.content === 'I like it');
  await act({ do: 'say', channel: thread.id, text: 'I like it' });
  const [said] = await heard;
  check('thread message heard', said.member !== null);
  const hook = await channel.createWebhook({ name: 'Bridge' });
  const mirrored = await hook.send({ content: 'from elsewhere', username: 'Ana (Slack)', threadId: thread.id });
  check('webhook posts under a name', mirrored.author.username === 'Ana (Slack)' && mirrored.webhookId === hook.id);
  await hook.editMessage(mirrored.id, { content: 'changed', threadId: thread.id });
  await hook.deleteMessage(mirrored.id, thread.id);
  const reacted = next(client, Events.MessageReactionAdd, (_, user) => user.id === SIM_PERSON);
  await said.react('🔥');
  await act({ do: 'react', channel: thread.id, message: said.id, emoji: '🔥' });
  await reacted;
  const history = await thread.messages.fetch({ limit: 10 });
  check('history read', history.has(said.id));
  await thread.setArchived(true);
  await thread.send('awake again');
  check('sending woke the thread', !(await thread.fetch()).archived);
  await final.delete();
  let code = 0;
  await channel.messages.fetch({ message: final.id, force: true }).catch((err) => { code = err.code; });
  check('deleted message is unknown', code === 10008);
} catch (err) {
  console.error(err);
  process.exitCode = 1;
} finally {
  await client.destroy();
  clearTimeout(deadline);
}
