package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// PasswordMin and PasswordMax bound a new password, in characters: NIST SP 800-63B asks for at least 8, OWASP for an upper
// limit so that hashing cannot be made expensive.
const (
	PasswordMin = 10
	PasswordMax = 128
)

// Costs of argon2id: the OWASP minimum (19 MiB, 2 passes, 1 lane), about 30 ms on a small gateway.
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// hashing bounds concurrent hashes, so that a burst of sign-ins costs at most 2 x 19 MiB.
var hashing = make(chan struct{}, 2)

// nobodyHash is what an unknown name is compared with; no password has this hash.
var nobodyHash = encodeHash(make([]byte, argonSalt), make([]byte, argonKey))

// errHash: a stored hash is not one of ours.
var errHash = errors.New("the stored password hash is not known")

// oneTimePassword has 80 random bits in four groups that can be read out and typed.
func oneTimePassword() string {
	t := strings.ToLower(rand.Text()) // base32: 5 bits a letter
	return t[0:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:16]
}

func hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails: it stops the program instead
	key, err := argon(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return encodeHash(salt, key), nil
}

func samePassword(ctx context.Context, hash, password string) (bool, error) {
	if len([]rune(password)) > PasswordMax {
		return false, nil
	}
	salt, want, err := decodeHash(hash)
	if err != nil {
		return false, err
	}
	got, err := argon(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func argon(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonKey), nil
}

// encodeHash writes the PHC text, so that the costs can be raised later and old hashes are recognised.
func encodeHash(salt, key []byte) string {
	b := base64.RawStdEncoding
	return argonPrefix() + b.EncodeToString(salt) + "$" + b.EncodeToString(key)
}

func argonPrefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, argonMemory, argonPasses, argonLanes)
}

func decodeHash(text string) (salt, key []byte, err error) {
	rest, ok := strings.CutPrefix(text, argonPrefix())
	a, b, two := strings.Cut(rest, "$")
	if !ok || !two {
		return nil, nil, errHash
	}
	if salt, err = base64.RawStdEncoding.DecodeString(a); err != nil || len(salt) != argonSalt {
		return nil, nil, errHash
	}
	if key, err = base64.RawStdEncoding.DecodeString(b); err != nil || len(key) != argonKey {
		return nil, nil, errHash
	}
	return salt, key, nil
}
