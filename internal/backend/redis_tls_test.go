package backend

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/need"
)

// certificate writes a certificate for loopback that signs itself, and its key, into a folder.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// trusting is the variable by which TestRedisInTLS, started again, is told where its Redis is: what a process trusts it
// reads once.
const trusting = "LATCHKEY_TEST_REDIS_IN_TLS"

// A Redis in TLS is used with the password of its address once its certificate is one that this machine trusts, and no
// sooner. What the client of Redis says by itself stands in the backend's log, and not beside it.
func TestRedisInTLS(t *testing.T) {
	if at := os.Getenv(trusting); at != "" {
		tryInTLS(t, at)
		return
	}
	need.Command(t, "redis-server")
	if runtime.GOOS != "linux" {
		need.Missing(t, "a system that reads SSL_CERT_FILE")
	}
	if out, _ := exec.Command("redis-server", "--tls-port", "0", "--no-such-setting", "1").CombinedOutput(); strings.Contains(string(out), "'tls-port") { //nolint:errcheck // it fails in any case
		need.Missing(t, "a redis-server that was built with TLS")
	}
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	_, port, _ := net.SplitHostPort(at)
	_ = free.Close()
	s := StartRedis(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	if err := s.Control.ConfigSet(context.Background(), "requirepass", "right-canary").Err(); err != nil {
		t.Fatal(err)
	}
	if err := TryRedis(t.Context(), Config{OrganizationID: "o", RedisURL: SecretOf("rediss://:right-canary@" + at)}); fault.CodeOf(err) != fault.BackendState || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody's: %v", err)
	}
	again := exec.Command(os.Args[0], "-test.run=^TestRedisInTLS$", "-test.v")
	again.Env = append(os.Environ(), trusting+"="+at, "SSL_CERT_FILE="+cert, "SSL_CERT_DIR="+filepath.Join(dir, "none"))
	out, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestRedisInTLS") || strings.Contains(string(out), "pool.go") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func tryInTLS(t *testing.T, at string) {
	_, port, _ := net.SplitHostPort(at)
	var said bytes.Buffer
	c := Config{OrganizationID: "o", RedisURL: SecretOf("rediss://:right-canary@" + at), Log: slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if err := TryRedis(t.Context(), c); err != nil {
		t.Fatalf("the right one: %v", err)
	}
	for name, url := range map[string]string{
		"no password": "rediss://" + at, "a wrong one": "rediss://:wrong-canary@" + at, "in clear": "redis://:right-canary@" + at, "by another name": "rediss://:right-canary@localhost:" + port,
	} {
		c.RedisURL = SecretOf(url)
		if err := TryRedis(t.Context(), c); fault.CodeOf(err) != fault.BackendState || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	if !strings.Contains(said.String(), `"msg":"redis client","says":"redis: connection pool: failed to dial`) || strings.Contains(said.String(), "canary") {
		t.Errorf("the log: %s", &said)
	}
}
