package localapi

import "net/http"

// SocketHandler lets tests call what the socket serves without a socket.
func (s *Server) SocketHandler() http.Handler { return s.socketHandler() }
