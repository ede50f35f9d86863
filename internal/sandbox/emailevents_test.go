package sandbox

import "testing"

func TestEmailEventsTellWhatBecameOfAMail(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test") // whose code the parent sent
	b.root.in(jane.org).submit("EMAIL_AUTH", m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey(), "sendFromEmailAddress": "mail@app.test"}).result("emailAuthResult")
	list := func(w *who, more m) []any {
		t.Helper()
		p := m{"email": "Jane@Doe.test"}
		for k, v := range more {
			p[k] = v
		}
		return w.query("list_email_events", p).ok().at("emailEvents").([]any)
	}
	all := list(jane, nil)
	if len(all) != 2 || all[0].(m)["eventType"] != "Delivery" || all[1].(m)["eventType"] != "Send" {
		t.Fatalf("events %v", all)
	}
	newest := all[0].(m)
	if newest["fromAddress"] != "mail@app.test" || newest["toAddress"] != "jane@doe.test" || newest["messageId"] != all[1].(m)["messageId"] || newest["id"] == all[1].(m)["id"] {
		t.Errorf("events %v", all)
	}
	if got := list(jane, m{"eventType": "Send"}); len(got) != 1 || got[0].(m)["eventType"] != "Send" {
		t.Errorf("sent: %v", got)
	}
	if got := list(jane, m{"eventType": "Bounce"}); len(got) != 0 {
		t.Errorf("bounced: %v", got)
	}
	if got := list(jane, m{"paginationOptions": m{"limit": "1", "after": newest["id"]}}); len(got) != 1 || got[0].(m)["id"] != all[1].(m)["id"] {
		t.Errorf("the second page: %v", got)
	}
	if got := list(jane, m{"email": "joe@doe.test"}); len(got) != 0 {
		t.Errorf("to somebody else: %v", got)
	}
	parents := list(b.root, nil)
	if len(parents) != 2 || parents[0].(m)["organizationId"] != b.root.org || parents[0].(m)["messageId"] == newest["messageId"] {
		t.Errorf("the parent's own mails: %v", parents)
	}
}
