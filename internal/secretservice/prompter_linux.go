package secretservice

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// prompter stands for the window that asks for the keyring's password, and the person in front of it, who does not
// answer or does so after a while. GNOME's keyring and its window talk in D-Bus interfaces named
// org.gnome.keyring.internal.Prompter, and encrypt what is typed.
type prompter struct {
	conn    *dbus.Conn
	answers bool
	secret  *big.Int // of ours, in the exchange of a key
}

func startPrompter(conn *dbus.Conn, answers bool) error {
	const name = "org.gnome.keyring.SystemPrompter"
	secret, err := rand.Int(rand.Reader, prime())
	if err != nil {
		return err
	}
	p := &prompter{conn: conn, answers: answers, secret: secret}
	if err := conn.Export(p, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter"); err != nil {
		return err
	}
	reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue)
	if err == nil && reply != dbus.RequestNameReplyPrimaryOwner {
		err = errors.New(name + " is taken")
	}
	return err
}

// BeginPrompting sends our half of the key.
func (p *prompter) BeginPrompting(callback dbus.ObjectPath, sender dbus.Sender) *dbus.Error {
	if p.answers {
		// It must come after the reply to this call, or the keyring takes no notice.
		time.AfterFunc(100*time.Millisecond, func() { p.ready(callback, sender, "", "") })
	}
	return nil
}

// PerformPrompt shows the window: the password is typed into it, and its button pressed.
func (p *prompter) PerformPrompt(callback dbus.ObjectPath, kind string, _ map[string]dbus.Variant, exchange string, sender dbus.Sender) *dbus.Error {
	time.AfterFunc(1200*time.Millisecond, func() {
		secret, err := p.seal(exchange, masterPassword)
		if err != nil || kind != "password" {
			fmt.Fprintln(os.Stderr, "asked for", kind, err)
		}
		p.ready(callback, sender, "yes", secret)
	})
	return nil
}

func (p *prompter) StopPrompting(callback dbus.ObjectPath, sender dbus.Sender) *dbus.Error {
	p.call(callback, sender, "PromptDone")
	return nil
}

func (p *prompter) ready(callback dbus.ObjectPath, sender dbus.Sender, reply, secret string) {
	public := new(big.Int).Exp(big.NewInt(2), p.secret, prime())
	exchange := "[sx-aes-1]\npublic=" + base64.StdEncoding.EncodeToString(public.Bytes()) + "\n" + secret
	p.call(callback, sender, "PromptReady", reply, map[string]dbus.Variant{}, exchange)
}

func (p *prompter) call(callback dbus.ObjectPath, sender dbus.Sender, method string, args ...any) {
	p.conn.Object(string(sender), callback).Call("org.gnome.keyring.internal.Prompter.Callback."+method, dbus.FlagNoReplyExpected, args...)
}

// seal encrypts text under the key that exchange, the other half of it, makes with ours.
func (p *prompter) seal(exchange, text string) (string, error) {
	theirs, err := publicOf(exchange)
	if err != nil {
		return "", err
	}
	shared := new(big.Int).Exp(theirs, p.secret, prime()).FillBytes(make([]byte, prime().BitLen()/8))
	key, err := hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
	if err != nil {
		return "", err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	pad := aes.BlockSize - len(text)%aes.BlockSize // PKCS #7
	sealed := []byte(text + strings.Repeat(string(rune(pad)), pad))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	encode := base64.StdEncoding.EncodeToString
	return "secret=" + encode(sealed) + "\niv=" + encode(iv) + "\n", nil
}

func publicOf(exchange string) (*big.Int, error) {
	_, rest, _ := strings.Cut(exchange, "public=")
	line, _, _ := strings.Cut(rest, "\n")
	b, err := base64.StdEncoding.DecodeString(line)
	return new(big.Int).SetBytes(b), err
}

// prime is the 1536-bit group of RFC 3526, section 2.
func prime() *big.Int {
	p, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1"+
		"29024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"+
		"4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5"+
		"AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"+
		"83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA237327"+
		"FFFFFFFFFFFFFFFF", 16)
	return p
}
