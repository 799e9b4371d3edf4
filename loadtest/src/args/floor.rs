//! The flags of `floor`.

use std::net::SocketAddr;

#[derive(Debug, clap::Args)]
pub(crate) struct FloorArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}
