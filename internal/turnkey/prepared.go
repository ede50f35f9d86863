package turnkey

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"latchkey/internal/fault"
)

// A request that a person approves elsewhere, by a passkey or a wallet in the browser, is made before it is stamped, and
// sent as it was made.

// Prepare returns the bytes of a as they would be sent now. Errors: fault.RequestInvalid when its parameters cannot be
// written.
func (c *Client) Prepare(a Activity) ([]byte, error) {
	return encode(envelope{
		Parameters: a.Parameters, OrganizationID: a.OrganizationID, Type: a.Type,
		TimestampMs: strconv.FormatInt(c.timestamp(), 10),
	})
}

// SubmitPrepared is [Client.Submit] of bytes that Prepare made of a, to the byte. One that is refused for its time is not
// made again: whoever stamps it has seen these bytes.
func (c *Client) SubmitPrepared(ctx context.Context, a Activity, body []byte, out any) (Result, error) {
	raw, err := c.Post(ctx, a.Path, body)
	if err != nil {
		return Result{}, err
	}
	var answer activityAnswer
	if err := json.Unmarshal(raw, &answer); err != nil {
		return Result{}, fault.New(fault.APIDown, fmt.Errorf("the answer of %s is not of its kind: %w", a.Path, err))
	}
	return c.follow(ctx, a, answer.Activity, out)
}

// PrepareStampLogin returns the bytes of the request that [Client.StampLogin] would send now.
func (c *Client) PrepareStampLogin(organizationID string, p LoginParams) ([]byte, error) {
	return c.Prepare(stampLogin(organizationID, p))
}

// StampLoginPrepared sends what PrepareStampLogin made, and returns the JWT of the session, unverified.
func (c *Client) StampLoginPrepared(ctx context.Context, organizationID string, body []byte) (session string, err error) {
	var out struct {
		Session string `json:"session"`
	}
	_, err = c.SubmitPrepared(ctx, stampLogin(organizationID, LoginParams{}), body, &out)
	return out.Session, err
}
