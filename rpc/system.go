package rpc

import "context"

func (s *Server) systemChain(context.Context, args) (any, error)   { return s.system.ChainName(), nil }
func (s *Server) systemHealth(context.Context, args) (any, error)  { return s.system.Health(), nil }
func (s *Server) systemName(context.Context, args) (any, error)    { return s.system.Name(), nil }
func (s *Server) systemVersion(context.Context, args) (any, error) { return s.system.Version(), nil }

func (s *Server) systemProperties(context.Context, args) (any, error) {
	return s.system.Properties(), nil
}

func (s *Server) systemSyncState(context.Context, args) (any, error) {
	return s.system.SyncState(), nil
}

// systemChainType writes the three known types as words; Contracts UI offers the development accounts only for the word
// Development.
func (s *Server) systemChainType(context.Context, args) (any, error) {
	switch name := s.system.ChainType(); name {
	case "Development", "Local", "Live":
		return name, nil
	default:
		return map[string]string{"Custom": name}, nil
	}
}
