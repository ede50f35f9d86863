package sandbox

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"
)

// sender is how an e-mail is to be sent. The name and the address for replies count only besides the first.
type sender struct {
	SendFromEmailAddress    string `json:"sendFromEmailAddress,omitempty"`
	SendFromEmailSenderName string `json:"sendFromEmailSenderName,omitempty"`
	ReplyToEmailAddress     string `json:"replyToEmailAddress,omitempty"`
}

// defaultSender sends what names no sender. Nothing answers there.
const defaultSender = "notifications@sandbox.invalid"

func (s sender) check() error {
	if s.SendFromEmailAddress == "" {
		return nil
	}
	for _, address := range []string{s.SendFromEmailAddress, cmp.Or(s.ReplyToEmailAddress, s.SendFromEmailAddress)} {
		if err := checkEmail(address); err != nil {
			return err
		}
	}
	return nil
}

// linkMax bounds the template of a link, in bytes.
const linkMax = 2048

// check says whether a mail can be written so. A template's id is taken as it is: templates cannot be made here.
func (e *emailCustomization) check() error {
	if e == nil {
		return nil
	}
	if e.MagicLinkTemplate != "" {
		u, err := url.Parse(strings.ReplaceAll(e.MagicLinkTemplate, "%s", "x"))
		if len(e.MagicLinkTemplate) > linkMax || strings.Count(e.MagicLinkTemplate, "%s") != 1 || err != nil || u.Scheme == "" {
			return invalid("invalid magic link template")
		}
		if s := strings.ToLower(u.Scheme); s == "javascript" || s == "data" || s == "vbscript" {
			return invalid("invalid magic link template")
		}
	}
	if long(e.AppName) {
		return longText()
	}
	var variables map[string]any
	if e.TemplateVariables != "" && json.Unmarshal([]byte(e.TemplateVariables), &variables) != nil {
		return invalid("failed to unmarshal template variables")
	}
	return nil
}

// app is the name that the mail speaks of.
func (e *emailCustomization) app() string {
	if e == nil {
		return "Sandbox"
	}
	return cmp.Or(e.AppName, "Sandbox")
}

// link is the magic link with secret in it, "" when no template was given.
func (e *emailCustomization) link(secret string) string {
	if e == nil {
		return ""
	}
	return strings.Replace(e.MagicLinkTemplate, "%s", secret, 1)
}

// send puts a message in the inbox, and the oldest one out of it. A transaction sends one at most.
func (t *tx) send(m *message) {
	m.ID, m.At = t.state.inbox.nextID(), t.now
	if n := m.number(); n > inboxMax {
		t.stage(forgotten{n - inboxMax})
	}
	t.stage(m)
}
