//! The UDP socket.

use std::io;
use std::net::SocketAddr;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_recv_buffer_size_force};
use tokio::net::UdpSocket;

/// Room for about 10,000 datagrams that arrive in one burst, in bytes.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;

/// Binds the socket, with as much buffer as the system gives.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    // Only a privileged process may go beyond net.core.rmem_max; less is enough to work.
    if set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).is_err() {
        let _ = set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER);
    }
    UdpSocket::from_std(socket)
}
