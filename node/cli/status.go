package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	statusTimeout  = 5 * time.Second
	maxStatusBytes = 1 << 20 // the answers asked for are a few hundred bytes
)

type statusReport struct {
	URL         string `json:"url"`
	Chain       string `json:"chain"`
	NodeVersion string `json:"nodeVersion"`
	SpecName    string `json:"specName"`
	SpecVersion uint32 `json:"specVersion"`
	Height      uint64 `json:"height"`
	BestHash    string `json:"bestHash"`
	GenesisHash string `json:"genesisHash"`
	Peers       int    `json:"peers"`
	Syncing     bool   `json:"syncing"`
}

func (r statusReport) text() string {
	syncing := "in step"
	if r.Syncing {
		syncing = "catching up"
	}
	return fmt.Sprintf("chain    %s (genesis %s)\nruntime  %s %d\nheight   %d (%s)\npeers    %d, %s\nnode     %s at %s\n",
		r.Chain, r.GenesisHash, r.SpecName, r.SpecVersion, r.Height, r.BestHash, r.Peers, syncing, r.NodeVersion, r.URL)
}

func newStatus(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Ask a running node how it is",
		Example: "  sepia status\n  sepia status --url http://127.0.0.1:9954 --json",
		Args:    noArguments,
	}
	url := cmd.Flags().String("url", "http://127.0.0.1:9944", "address of the node's RPC")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), statusTimeout)
		defer cancel()
		report, err := askStatus(ctx, *url)
		if err != nil {
			return err
		}
		return io.print(report, report.text())
	}
	return cmd
}

func askStatus(ctx context.Context, url string) (statusReport, error) {
	r := statusReport{URL: strings.Replace(strings.Replace(url, "ws://", "http://", 1), "wss://", "https://", 1)}
	var version struct {
		SpecName    string `json:"specName"`
		SpecVersion uint32 `json:"specVersion"`
	}
	var header struct {
		Number string `json:"number"`
	}
	var health struct {
		Peers     int  `json:"peers"`
		IsSyncing bool `json:"isSyncing"`
	}
	for _, call := range []struct {
		method string
		params []any
		into   any
	}{
		{"system_chain", nil, &r.Chain},
		{"system_version", nil, &r.NodeVersion},
		{"state_getRuntimeVersion", nil, &version},
		{"chain_getBlockHash", []any{0}, &r.GenesisHash},
		{"chain_getFinalizedHead", nil, &r.BestHash},
		{"chain_getHeader", nil, &header},
		{"system_health", nil, &health},
	} {
		if err := call1(ctx, r.URL, call.method, call.params, call.into); err != nil {
			return statusReport{}, err
		}
	}
	height, err := strconv.ParseUint(strings.TrimPrefix(header.Number, "0x"), 16, 64)
	if err != nil {
		return statusReport{}, fmt.Errorf("%s answers block number %q: want hex", r.URL, header.Number)
	}
	r.SpecName, r.SpecVersion, r.Height = version.SpecName, version.SpecVersion, height
	r.Peers, r.Syncing = health.Peers, health.IsSyncing
	return r, nil
}

// call1 makes one JSON-RPC call over HTTP.
func call1(ctx context.Context, url, method string, params []any, into any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("encoding %s: %w", method, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: --url: %w", errUsage, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%w at %s: %w: is it running? `sepia dev` starts one", errUnreachable, url, rootCause(err))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxStatusBytes))
	if err != nil {
		return fmt.Errorf("%w at %s: reading the answer: %w", errUnreachable, url, err)
	}
	var parsed struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &parsed); err != nil {
		return fmt.Errorf("%w at %s: the answer to %s is no JSON-RPC", errUnreachable, url, method)
	}
	if parsed.Error != nil {
		return fmt.Errorf("%s answers %s with error %d: %s", url, method, parsed.Error.Code, parsed.Error.Message)
	}
	if err := json.Unmarshal(parsed.Result, into); err != nil {
		return fmt.Errorf("reading the answer to %s: %w", method, err)
	}
	return nil
}

func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
