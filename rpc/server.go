package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"
)

// errServerClosed ends connections when the node stops.
var errServerClosed = errors.New("the node is stopping")

// Server serves JSON-RPC. Make it with NewServer and end it with Close.
type Server struct {
	config Config
	chain  Chain
	pool   Pool
	system System
	log    *slog.Logger

	methods     map[string]*method
	methodNames json.RawMessage
	openRPC     []byte

	hub              *hub
	http             *http.Server
	silent           *silent
	ctx              context.Context // done when the server closes
	cancel           context.CancelCauseFunc
	connections      atomic.Int64
	sockets          sync.WaitGroup // running WebSocket connections
	lastSubscription atomic.Uint64
	subscriptionID   func(number uint64) string
	runtimeSlots     chan struct{}
	inbound          *budget // MaxInboundBytes
	outbound         *budget // MaxOutboundBytes
}

// NewServer makes a server and starts to follow the chain. It does not listen yet.
func NewServer(config Config, chain Chain, pool Pool, system System, log *slog.Logger) (*Server, error) {
	return newServer(config, chain, pool, system, log, methods(), randomID)
}

func newServer(config Config, chain Chain, pool Pool, system System, log *slog.Logger, table []method, id func(uint64) string) (*Server, error) {
	names := served(table)
	slices.Sort(names)
	encodedNames, err := encodeJSON(names)
	if err != nil {
		return nil, err
	}
	document, err := openRPCDocument(table, system.Version())
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config.withDefaults(), chain: chain, pool: pool, system: system, log: log,
		methods: byName(table), methodNames: encodedNames, openRPC: document,
		subscriptionID: id, runtimeSlots: make(chan struct{}, maxRuntimeCalls()), silent: newSilent(),
	}
	s.inbound, s.outbound = newBudget(s.config.MaxInboundBytes), newBudget(s.config.MaxOutboundBytes)
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	if s.hub, err = newHub(chain, log); err != nil {
		return nil, fmt.Errorf("following the chain: %w", err)
	}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		ConnContext:       withAdmission,
		ConnState:         s.silent.follow,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      readTimeout + s.config.RequestTimeout + s.config.WriteTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Serve accepts connections until Close, and then returns nil. It closes the listener.
func (s *Server) Serve(listener net.Listener) error {
	err := s.http.Serve(&admission{Listener: listener, server: s})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving JSON-RPC: %w", err)
}

// Close stops accepting, tells WebSocket clients goodbye, lets running HTTP calls end until ctx is done, cuts off those that
// have not, and waits for all that it started. A client cannot make it fail.
func (s *Server) Close(ctx context.Context) error {
	s.cancel(errServerClosed)
	s.silent.close()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		s.log.Warn("cutting off HTTP calls that did not end in time")
		err = s.http.Close()
	}
	s.sockets.Wait()
	s.hub.close()
	if err != nil {
		return fmt.Errorf("closing JSON-RPC: %w", err)
	}
	return nil
}

// serveHTTP answers a POST, upgrades to a WebSocket, and gives away the API document. Any web page may call it: there is
// nothing that a page could do and its user could not.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	if refused(r.Context()) {
		header.Set("Connection", "close")
		busy := &Error{CodeServerBusy, "Server is busy. Try again later", fmt.Sprintf("the limit is %d connections (setting rpc.max_connections)", s.config.MaxConnections)}
		writeHTTP(w, http.StatusServiceUnavailable, appendError(nil, nullID, busy))
		return
	}
	switch {
	case r.Header.Get("Upgrade") != "":
		s.serveWebSocket(w, r)
	case r.Method == http.MethodPost:
		s.servePost(w, r)
	case r.Method == http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet && r.URL.Path == "/openrpc.json":
		writeHTTP(w, http.StatusOK, s.openRPC)
	default:
		header.Set("Allow", "POST, OPTIONS")
		http.Error(w, "This is the JSON-RPC port of a Sepia node: POST a call here, or open a WebSocket. GET /openrpc.json describes the methods.", http.StatusMethodNotAllowed)
	}
}

func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	s.sockets.Add(1) // before the upgrade: until then Shutdown waits for this call, so Close cannot miss it
	defer s.sockets.Done()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		s.log.Debug("cannot upgrade to a WebSocket", "remote", r.RemoteAddr, "err", err)
		return
	}
	ws.SetReadLimit(int64(s.config.MaxFrameBytes))
	newConn(s, ws).serve()
}

func (s *Server) servePost(w http.ResponseWriter, r *http.Request) {
	inbound := account{shared: s.inbound, own: ownInboundBytes}
	defer inbound.close()
	body, _, err := inbound.read(http.MaxBytesReader(w, r.Body, int64(s.config.MaxFrameBytes)), s.config.MaxFrameBytes)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		big := &Error{CodeOversizedRequest, "Request is too big", fmt.Sprintf("the limit is %d bytes", s.config.MaxFrameBytes)}
		writeHTTP(w, http.StatusRequestEntityTooLarge, appendError(nil, nullID, big))
		return
	}
	if errors.Is(err, errNoMemory) {
		w.Header().Set("Connection", "close") // rather than reading the rest
		writeHTTP(w, http.StatusServiceUnavailable, noMemoryAnswer())
		return
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest) // the client went away or was too slow
		return
	}
	requests, batch, parseErr := parseMessage(body, s.config.MaxBatch)
	if parseErr != nil {
		writeHTTP(w, http.StatusOK, appendError(nil, nullID, parseErr))
		return
	}
	response, _ := s.respond(r.Context(), nil, requests, batch)
	if response == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	outbound := account{shared: s.outbound, own: ownOutboundBytes}
	defer outbound.close()
	if !outbound.take(len(response)) {
		writeHTTP(w, http.StatusServiceUnavailable, noMemoryAnswer())
		return
	}
	writeHTTP(w, http.StatusOK, response)
}

func noMemoryAnswer() []byte {
	return appendError(nil, nullID, &Error{CodeServerBusy, "Server is busy. Try again later", "other connections' messages fill the memory set aside for them"})
}

func writeHTTP(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
