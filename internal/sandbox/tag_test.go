package sandbox

import (
	"fmt"
	"testing"
)

func TestUserTags(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	bob, eve := jane.hire("Bob", nil), jane.hire("Eve", nil)
	tags := func(id string) string { return fmt.Sprint(jane.seen(id)["userTags"]) }

	made := jane.submit("CREATE_USER_TAG", m{"userTagName": "admins", "userIds": []string{bob.user}}).result("createUserTagResult")
	id := made.text("userTagId")
	if made.text("userIds", "0") != bob.user || tags(bob.user) != "["+id+"]" || tags(eve.user) != "[]" {
		t.Errorf("made %v; Bob has %s, Eve %s", made.body, tags(bob.user), tags(eve.user))
	}
	jane.submit("UPDATE_USER_TAG", m{"userTagId": id, "newUserTagName": "owners", "addUserIds": []string{eve.user, eve.user}, "removeUserIds": []string{bob.user}}).
		result("updateUserTagResult").text("userTagId")
	if tags(bob.user) != "[]" || tags(eve.user) != "["+id+"]" {
		t.Errorf("Bob has %s, Eve %s", tags(bob.user), tags(eve.user))
	}
	list := jane.query("list_user_tags", nil).ok()
	if list.text("userTags", "0", "tagName") != "owners" || list.text("userTags", "0", "tagType") != "TAG_TYPE_USER" || len(list.at("userTags").([]any)) != 1 {
		t.Errorf("the tags are %s", list.raw)
	}
	// All or nothing.
	jane.submit("UPDATE_USER_TAG", m{"userTagId": id, "newUserTagName": "x", "addUserIds": []string{bob.user, nowhere}, "removeUserIds": []string{}}).
		refused(404, "REQUEST_INVALID", "no user found")
	if tags(bob.user) != "[]" || jane.query("list_user_tags", nil).ok().text("userTags", "0", "tagName") != "owners" {
		t.Error("half of an update happened")
	}
	jane.submit("CREATE_USER_TAG", m{"userTagName": "owners", "userIds": []string{}}).refused(400, "REQUEST_INVALID", "label must be unique")
	second := jane.submit("CREATE_USER_TAG", m{"userTagName": "second", "userIds": []string{eve.user}}).result("createUserTagResult").text("userTagId")
	jane.submit("UPDATE_USER_TAG", m{"userTagId": second, "newUserTagName": "owners", "addUserIds": []string{}, "removeUserIds": []string{}}).
		refused(400, "REQUEST_INVALID", "label must be unique")

	b.Close()
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	again.time = b.time
	jane = &who{box: again, org: jane.org, user: jane.user, key: jane.key}
	if tags(eve.user) != "["+id+" "+second+"]" || len(jane.query("list_user_tags", nil).ok().at("userTags").([]any)) != 2 {
		t.Errorf("after a restart Eve has %s", tags(eve.user))
	}
	gone := jane.submit("DELETE_USER_TAGS", m{"userTagIds": []string{id}}).result("deleteUserTagsResult")
	if gone.text("userTagIds", "0") != id || fmt.Sprint(gone.at("userIds")) != "["+eve.user+"]" || tags(eve.user) != "["+second+"]" {
		t.Errorf("deleted %v; Eve has %s", gone.body, tags(eve.user))
	}
	jane.submit("DELETE_USER_TAGS", m{"userTagIds": []string{id}}).refused(404, "REQUEST_INVALID", "no user tag found")
	jane.submit("DELETE_USER_TAGS", m{"userTagIds": []string{}}).refused(400, "REQUEST_INVALID", "no user tag IDs provided")
	mallory := again.logIn("mallory@doe.test")
	mallory.submit("DELETE_USER_TAGS", m{"userTagIds": []string{second}}).refused(404, "REQUEST_INVALID", "no user tag found")
}

// A sub-organization has at most ten tags, its parent a hundred.
func TestTheNumberOfTagsIsLimited(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for who, most := range map[*who]int{jane: 10, b.root: 100} {
		for i := range most {
			who.submit("CREATE_USER_TAG", m{"userTagName": fmt.Sprint(i), "userIds": []string{}}).result("createUserTagResult")
		}
		who.submit("CREATE_USER_TAG", m{"userTagName": "more", "userIds": []string{}}).refused(429, "UNSPECIFIED", "organization has exceeded maximum tags")
	}
}

func TestPrivateKeyTags(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	makeKey := func(name string, tags ...string) string {
		return jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": name, "curve": "CURVE_P256", "privateKeyTags": append([]string{}, tags...), "addressFormats": []string{}}}}).
			result("createPrivateKeysResultV2").text("privateKeys", "0", "privateKeyId")
	}
	tags := func(id string) string {
		return fmt.Sprint(jane.query("get_private_key", m{"privateKeyId": id}).ok().at("privateKey", "privateKeyTags"))
	}
	first := makeKey("first")
	made := jane.submit("CREATE_PRIVATE_KEY_TAG", m{"privateKeyTagName": "hot", "privateKeyIds": []string{first}}).result("createPrivateKeyTagResult")
	id := made.text("privateKeyTagId")
	second := makeKey("second", id)
	if made.text("privateKeyIds", "0") != first || tags(first) != "["+id+"]" || tags(second) != "["+id+"]" {
		t.Errorf("the first has %s, the second %s", tags(first), tags(second))
	}
	jane.submit("UPDATE_PRIVATE_KEY_TAG", m{"privateKeyTagId": id, "newPrivateKeyTagName": "cold", "addPrivateKeyIds": []string{second}, "removePrivateKeyIds": []string{first}}).
		result("updatePrivateKeyTagResult").text("privateKeyTagId")
	// One name for a user tag and a private key tag is no conflict; one's id is not the other's.
	jane.submit("CREATE_USER_TAG", m{"userTagName": "cold", "userIds": []string{}}).result("createUserTagResult")
	jane.submit("CREATE_PRIVATE_KEY_TAG", m{"privateKeyTagName": "cold", "privateKeyIds": []string{}}).refused(400, "REQUEST_INVALID", "private key tag label must be unique")
	jane.submit("UPDATE_USER_TAG", m{"userTagId": id, "addUserIds": []string{}, "removeUserIds": []string{}}).refused(404, "REQUEST_INVALID", "no user tag found")
	jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": "x", "curve": "CURVE_P256", "privateKeyTags": []string{nowhere}, "addressFormats": []string{}}}}).
		refused(404, "REQUEST_INVALID", "no private key tag found")

	b.Close()
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	again.time = b.time
	jane = &who{box: again, org: jane.org, user: jane.user, key: jane.key}
	list := jane.query("list_private_key_tags", nil).ok()
	if tags(first) != "[]" || tags(second) != "["+id+"]" || list.text("privateKeyTags", "0", "tagName") != "cold" ||
		list.text("privateKeyTags", "0", "tagType") != "TAG_TYPE_PRIVATE_KEY" || len(list.at("privateKeyTags").([]any)) != 1 {
		t.Errorf("after a restart the first has %s, the second %s, and the tags are %s", tags(first), tags(second), list.raw)
	}
	gone := jane.submit("DELETE_PRIVATE_KEY_TAGS", m{"privateKeyTagIds": []string{id}}).result("deletePrivateKeyTagsResult")
	if fmt.Sprint(gone.at("privateKeyIds")) != "["+second+"]" || tags(second) != "[]" {
		t.Errorf("deleted %v; the second has %s", gone.body, tags(second))
	}
	jane.submit("DELETE_PRIVATE_KEY_TAGS", m{"privateKeyTagIds": []string{id}}).refused(404, "REQUEST_INVALID", "no private key tag found")
}
