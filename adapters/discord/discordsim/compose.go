package discordsim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// sender is who a message comes from, and what that allows.
type sender struct {
	user      string
	hook      *webhook
	inter     *interaction
	perms     uint64
	canUseUI  bool // interactive components
	ephemeral bool
}

// draft is a checked message body, not yet anywhere.
type draft struct {
	content     string
	embeds      []obj
	components  []obj
	attachments []attachment
	flags       int
	tts         bool
	poll        obj
	mentions    mentions
}

type allowedMentions struct {
	Parse       []string `json:"parse"`
	Users       []string `json:"users"`
	Roles       []string `json:"roles"`
	RepliedUser bool     `json:"replied_user"`
	set         bool
}

type mentions struct {
	users, roles []string
	everyone     bool
}

type attachmentMeta struct {
	ID          json.RawMessage `json:"id"`
	Filename    string          `json:"filename"`
	Description *string         `json:"description"`
	Title       *string         `json:"title"`
	IsSpoiler   bool            `json:"is_spoiler"`
}

func (a attachmentMeta) id() string { return strings.Trim(string(a.ID), `"`) }

const createFlags = flagSuppressEmbeds | flagSilent | flagComponentsV2

// compose checks a body for a new message in ch, and keeps its files.
func (t *tx) compose(ch *channel, from sender, c *call) (*draft, error) {
	b := c.body
	tree := errTree{}
	d := &draft{}
	d.content = checkContent(tree, b)
	b.get("flags", &d.flags)
	allowed := createFlags
	if from.ephemeral {
		allowed |= flagEphemeral
	}
	d.flags &= allowed
	b.get("tts", &d.tts)
	b.get("poll", &d.poll)
	d.embeds = checkEmbeds(tree, b)
	v2 := d.flags&flagComponentsV2 != 0
	d.components = checkComponents(tree, b, v2, from.canUseUI)
	if v2 {
		refuseLegacy(tree, b)
	}
	am := readAllowed(tree, b)
	metas := readAttachmentMetas(tree, b)
	if err := tree.err(); err != nil {
		return nil, err
	}
	if err := checkFiles(c.files); err != nil {
		return nil, err
	}
	if from.perms&PermAttachFiles == 0 && len(c.files) > 0 {
		return nil, errPermission()
	}
	if d.content == "" && len(d.embeds) == 0 && len(d.components) == 0 && len(c.files) == 0 && d.poll == nil && !hasStickers(b) {
		return nil, errEmptyMessage()
	}
	if err := t.keepUploads(d, ch.ID, metas, c.files, from.ephemeral && d.flags&flagEphemeral != 0); err != nil {
		return nil, err
	}
	if err := t.s.linkMedia(d); err != nil {
		return nil, err
	}
	text := d.content
	if v2 {
		text = componentText(d.components)
	}
	d.mentions = t.s.resolveMentions(text, am, from.perms)
	return d, nil
}

func hasStickers(b fields) bool {
	var ids []string
	return b.get("sticker_ids", &ids) && len(ids) > 0
}

// checkContent trims as the platform does, and counts code points.
func checkContent(tree errTree, b fields) string {
	var text string
	if !b.has("content") || b.null("content") {
		return ""
	}
	if !b.get("content", &text) {
		// Numbers and booleans are taken for their text.
		var loose any
		b.get("content", &loose)
		switch loose.(type) {
		case float64, bool:
			text = strings.Trim(string(b["content"]), `"`)
		default:
			tree.add([]any{"content"}, "STRING_TYPE_CONVERT", `Could not interpret "`+string(b["content"])+`" as string.`)
		}
	}
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > 2000 {
		tree.tooLong([]any{"content"}, 2000)
	}
	return text
}

func refuseLegacy(tree errTree, b fields) {
	const msg = "The 'MESSAGE_FLAGS_IS_COMPONENTS_V2' flag cannot be used with this field"
	for _, k := range []string{"content", "embeds", "sticker_ids", "poll"} {
		if !b.has(k) || b.null(k) {
			continue
		}
		if v := strings.TrimSpace(string(b[k])); v == `""` || v == "[]" {
			continue
		}
		tree.add([]any{k}, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", msg)
	}
}

func readAllowed(tree errTree, b fields) allowedMentions {
	am := allowedMentions{}
	if !b.has("allowed_mentions") || b.null("allowed_mentions") {
		return allowedMentions{Parse: []string{"everyone", "roles", "users"}, RepliedUser: true}
	}
	if !b.get("allowed_mentions", &am) {
		tree.add([]any{"allowed_mentions"}, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
	am.set = true
	for i, p := range am.Parse {
		if p != "everyone" && p != "roles" && p != "users" {
			tree.choice([]any{"allowed_mentions", "parse", i}, "'users', 'roles', 'everyone'")
		}
	}
	for _, x := range []struct {
		name string
		ids  []string
	}{{"users", am.Users}, {"roles", am.Roles}} {
		if len(x.ids) > 100 {
			tree.add([]any{"allowed_mentions", x.name}, "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
		}
		if len(x.ids) > 0 && slices.Contains(am.Parse, x.name) {
			tree.add([]any{"allowed_mentions"}, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", `parse:["`+x.name+`"] and `+x.name+`: [ids...] are mutually exclusive.`)
		}
	}
	return am
}

func readAttachmentMetas(tree errTree, b fields) []attachmentMeta {
	var metas []attachmentMeta
	if b.has("attachments") && !b.null("attachments") && !b.get("attachments", &metas) {
		tree.add([]any{"attachments"}, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	for i, m := range metas {
		if m.Description != nil && utf8.RuneCountInString(*m.Description) > 1024 {
			tree.tooLong([]any{"attachments", i, "description"}, 1024)
		}
	}
	return metas
}

func checkFiles(files []upload) error {
	if len(files) > 10 {
		return fail(http.StatusBadRequest, 30015, "Maximum number of attachments in a message reached (10)")
	}
	for _, f := range files {
		if len(f.Data) > maxFile {
			return errTooLarge()
		}
	}
	return nil
}

// keepUploads stores the files in order of their index and gives them what the body says about them.
func (t *tx) keepUploads(d *draft, channelID string, metas []attachmentMeta, files []upload, ephemeral bool) error {
	for _, f := range files {
		a, err := t.s.keepFile(f.Name, f.Data, channelID)
		if err != nil {
			return err
		}
		a.Ephemeral = ephemeral
		for _, m := range metas {
			if snow(m.id()) != uint64(f.Index) || m.id() == "" {
				continue
			}
			if m.Filename != "" {
				a.Filename = cleanName(m.Filename)
			}
			if m.Description != nil {
				a.Description = *m.Description
			}
			if m.Title != nil {
				a.Title = *m.Title
			}
			if m.IsSpoiler {
				a.Flags |= 1 << 3
			}
		}
		d.attachments = append(d.attachments, a)
	}
	return nil
}

var (
	userMention = regexp.MustCompile(`<@!?(\d{1,20})>`)
	roleMention = regexp.MustCompile(`<@&(\d{1,20})>`)
	everyone    = regexp.MustCompile(`@(everyone|here)\b`)
	codeSpan    = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")
)

// resolveMentions finds what a text really pings.
func (s *Server) resolveMentions(text string, am allowedMentions, perms uint64) mentions {
	var m mentions
	plain := codeSpan.ReplaceAllString(text, " ")
	for _, x := range userMention.FindAllStringSubmatch(plain, -1) {
		id := x[1]
		if s.users[id] != nil && !slices.Contains(m.users, id) && (slices.Contains(am.Parse, "users") || slices.Contains(am.Users, id)) {
			m.users = append(m.users, id)
		}
	}
	for _, x := range roleMention.FindAllStringSubmatch(plain, -1) {
		role, known := s.role(x[1])
		if !known || slices.Contains(m.roles, x[1]) {
			continue
		}
		if !role.Mentionable && perms&PermMentionEveryone == 0 {
			continue
		}
		if slices.Contains(am.Parse, "roles") || slices.Contains(am.Roles, x[1]) {
			m.roles = append(m.roles, x[1])
		}
	}
	m.everyone = everyone.MatchString(plain) && perms&PermMentionEveryone != 0 && slices.Contains(am.Parse, "everyone")
	return m
}

// fill turns a draft into the parts of a message that the sender decides.
func (d *draft) fill(m *message) {
	m.Content, m.Embeds, m.Components, m.Attachments = d.content, d.embeds, d.components, d.attachments
	m.Flags |= d.flags
	m.TTS, m.Poll = d.tts, d.poll
	m.Mentions, m.MentionRoles, m.MentionEveryone = d.mentions.users, d.mentions.roles, d.mentions.everyone
}

// revise applies an edit. It follows the version of the interface: from v10 on, the list of attachments is the whole truth.
func (t *tx) revise(m *message, from sender, c *call) error {
	b := c.body
	tree := errTree{}
	next := *m
	var flags int
	if b.get("flags", &flags) {
		if m.Flags&flagComponentsV2 != 0 && flags&flagComponentsV2 == 0 {
			// The flag stays for good; clients that send others keep it.
			flags |= flagComponentsV2
		}
		const editable = flagSuppressEmbeds | flagComponentsV2
		next.Flags = m.Flags&^editable | flags&editable
	}
	if m.Flags&flagLoading != 0 {
		next.Flags &^= flagLoading
	}
	v2 := next.Flags&flagComponentsV2 != 0
	if v2 {
		refuseLegacy(tree, b)
		if m.Flags&flagComponentsV2 == 0 {
			next.Content, next.Embeds = "", nil
		}
	}
	if b.has("content") && !v2 {
		next.Content = checkContent(tree, b)
	}
	if b.has("embeds") && !v2 {
		next.Embeds = checkEmbeds(tree, b)
	}
	if b.has("components") {
		next.Components = checkComponents(tree, b, v2, from.canUseUI)
	}
	am := readAllowed(tree, b)
	metas := readAttachmentMetas(tree, b)
	if err := tree.err(); err != nil {
		return err
	}
	if err := checkFiles(c.files); err != nil {
		return err
	}
	d := &draft{embeds: next.Embeds, components: next.Components}
	if err := t.keepUploads(d, m.ChannelID, metas, c.files, m.Ephemeral != ""); err != nil {
		return err
	}
	next.Attachments = keptAttachments(m.Attachments, d.attachments, metas, b, c)
	if len(next.Attachments) > 10 {
		return fail(http.StatusBadRequest, 30015, "Maximum number of attachments in a message reached (10)")
	}
	d.attachments = next.Attachments
	if err := t.s.linkMedia(d); err != nil {
		return err
	}
	next.Attachments, next.Embeds, next.Components = d.attachments, d.embeds, d.components
	if next.Content == "" && len(next.Embeds) == 0 && len(next.Components) == 0 && len(next.Attachments) == 0 && next.Poll == nil {
		return errEmptyMessage()
	}
	if b.has("content") || b.has("components") || b.has("allowed_mentions") {
		text := next.Content
		if v2 {
			text = componentText(next.Components)
		}
		// An edit never pings; it only changes who is listed.
		got := t.s.resolveMentions(text, am, from.perms)
		next.Mentions, next.MentionRoles = got.users, got.roles
	}
	*m = next
	return nil
}

func keptAttachments(old, added []attachment, metas []attachmentMeta, b fields, c *call) []attachment {
	listed := b.has("attachments")
	var out []attachment
	for _, a := range old {
		keep := !listed
		if !listed && c.version >= 10 && len(c.files) > 0 {
			keep = false
		}
		for _, m := range metas {
			if m.id() == a.ID {
				keep = true
				if m.Description != nil {
					a.Description = *m.Description
				}
			}
		}
		if keep {
			out = append(out, a)
		}
	}
	for i, a := range added {
		if listed && c.version >= 10 {
			named := slices.ContainsFunc(metas, func(m attachmentMeta) bool { return snow(m.id()) == uint64(c.files[i].Index) })
			if !named {
				continue
			}
		}
		out = append(out, a)
	}
	return out
}
