package cli

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
)

func newKeys(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make and look at account keys",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysGenerate(io), newKeysInspect(io))
	return cmd
}

type keyReport struct {
	Phrase    string `json:"phrase,omitempty"`
	Scheme    string `json:"scheme"`
	PublicKey string `json:"publicKey"`
	AccountID string `json:"accountId"`
	Address   string `json:"address"`
}

func reportKey(phrase string, pair *keyring.Pair) keyReport {
	account := pair.Account()
	return keyReport{
		Phrase: phrase, Scheme: pair.Scheme().String(), PublicKey: "0x" + hex.EncodeToString(pair.Public()),
		AccountID: primitives.Hash(account).String(), Address: account.String(),
	}
}

func (r keyReport) text() string {
	var text strings.Builder
	if r.Phrase != "" {
		fmt.Fprintf(&text, "phrase      %s\n", r.Phrase)
	}
	fmt.Fprintf(&text, "scheme      %s\npublic key  %s\naccount id  %s\naddress     %s\n", r.Scheme, r.PublicKey, r.AccountID, r.Address)
	return text.String()
}

func newKeysGenerate(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "generate",
		Short:   "Draw a new phrase and show its account; write the phrase down, it is stored nowhere",
		Example: "  sepia keys generate\n  sepia keys generate --scheme ecdsa --json",
		Args:    noArguments,
	}
	scheme := cmd.Flags().String("scheme", "sr25519", "signature scheme: sr25519, ed25519 or ecdsa")
	cmd.RunE = func(*cobra.Command, []string) error {
		parsed, err := keyring.ParseScheme(*scheme)
		if err != nil {
			return fmt.Errorf("%w: --scheme: %w", errUsage, err)
		}
		phrase, err := keyring.NewMnemonic()
		if err != nil {
			return err
		}
		pair, err := keyring.FromURI(parsed, phrase)
		if err != nil {
			return err
		}
		report := reportKey(phrase, pair)
		return io.print(report, report.text())
	}
	return cmd
}

func newKeysInspect(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect [//DEV-URI | -]",
		Short: "Show the account of a secret URI, an address or a public key",
		Long: "Shows the account of a development URI such as //Alice, of an address, or of a secret URI read from standard input.\n" +
			"Other secrets are not taken as arguments: those stay in the shell's history and are seen by every process.",
		Example: "  sepia keys inspect //Alice\n  sepia keys inspect 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY\n  sepia keys inspect - < phrase.txt",
		Args:    cobra.MaximumNArgs(1),
	}
	scheme := cmd.Flags().String("scheme", "sr25519", "signature scheme: sr25519, ed25519 or ecdsa")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		parsed, err := keyring.ParseScheme(*scheme)
		if err != nil {
			return fmt.Errorf("%w: --scheme: %w", errUsage, err)
		}
		report, err := inspectKey(io, parsed, args)
		if err != nil {
			return err
		}
		return io.print(report, report.text())
	}
	return cmd
}

func inspectKey(io *streams, scheme keyring.Scheme, args []string) (keyReport, error) {
	uri := "-"
	if len(args) == 1 {
		uri = args[0]
	}
	if account, err := primitives.ParseAddress(uri); err == nil {
		id := primitives.Hash(account).String()
		return keyReport{Scheme: "unknown", PublicKey: id, AccountID: id, Address: account.String()}, nil
	}
	switch {
	case uri == "-":
		line, err := bufio.NewReader(io.in).ReadString('\n')
		if line == "" {
			return keyReport{}, fmt.Errorf("%w: reading a secret URI from standard input: %w", errUsage, err)
		}
		uri = strings.TrimSpace(line)
	case !strings.HasPrefix(uri, "//"):
		return keyReport{}, fmt.Errorf("%w: %s is no address and no development URI (//Alice): give a secret on standard input instead, `sepia keys inspect -`",
			errUsage, redact(uri))
	}
	pair, err := keyring.FromURI(scheme, uri)
	if err != nil {
		return keyReport{}, err
	}
	return reportKey("", pair), nil
}

// redact shows enough of an argument to recognise it, and too little to use it if it was a secret.
func redact(text string) string {
	const shown = 6
	if len(text) <= 2*shown {
		return "this argument"
	}
	return fmt.Sprintf("%q", text[:shown]+"...")
}
