package doctor

import (
	"context"
	"os"
	"runtime"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/profile"
)

// found puts what was found out into the facts.
type found func(f *Facts)

// look finds something out, within ctx, and tells each part as soon as it is known.
type look func(ctx context.Context, tell func(found))

// Gather finds out what can be known within patience, everything at once. What hangs is left alone: its part stays
// nil, and its goroutine ends with whatever it waits for, or with the program.
func Gather(ctx context.Context, program Program, p client.Patient, patience time.Duration) Facts {
	f := Facts{
		Program: program, System: runtime.GOOS, Env: readEnvironment(os.Getenv),
		Profile: p.Profile, ProfileErr: p.Err, SandboxErr: p.SandboxErr, Served: p.Served, Process: p.Process,
		KeyStore: p.KeyStore, KeyStoreErr: p.KeyStoreErr,
	}
	looks := []look{lookCore, lookBus, lookPassphrase(p), lookPort(p), lookLibrary(libraryFolders()), lookDisplay}
	if p.Err == nil {
		k := &keysLook{Patient: p, known: make(chan struct{})}
		looks = append(looks, k.look, k.journal, lookTPM(p), lookRights(p), lookDisk(p), lookState(p), lookLocks(p, min(patience/8, time.Second)))
		if p.Profile.Kind != profile.KindSandbox || p.Served {
			looks = append(looks, lookServices(p))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	founds, over := make(chan found), make(chan struct{}, len(looks))
	for _, l := range looks {
		go func() {
			l(ctx, func(one found) {
				select {
				case founds <- one:
				case <-ctx.Done():
				}
			})
			over <- struct{}{}
		}()
	}
	for left := len(looks); left > 0; {
		select {
		case one := <-founds:
			one(&f)
		case <-over:
			left--
		case <-ctx.Done():
			return f
		}
	}
	return f
}

// part returns a context that ends when this share of the time that ctx has left is over, so that whoever waits first
// leaves something to whoever waits next.
func part(ctx context.Context, share float64) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(share*float64(time.Until(end))))
}

// inspectors are the variables by which WebKit opens its pages to a port.
var inspectors = []string{"WEBKIT_INSPECTOR_SERVER", "WEBKIT_INSPECTOR_HTTP_SERVER"}

func readEnvironment(getenv func(string) string) Environment {
	e := Environment{Home: getenv(profile.HomeVariable), ParentKey: getenv("TURNKEY_API_PRIVATE_KEY") != ""}
	for _, name := range inspectors {
		if getenv(name) != "" && e.Inspector == "" {
			e.Inspector = name
		}
	}
	return e
}
