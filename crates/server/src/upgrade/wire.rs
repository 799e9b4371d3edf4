//! [`Wire`]: one end of the socket between an old process and a new one. It carries the listening sockets, and words that are lines.

use std::{
    io::{self, IoSlice, IoSliceMut, Read as _, Write as _},
    mem::MaybeUninit,
    net::{Shutdown, TcpListener},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    },
};

/// Most sockets that are passed on.
const SOCKETS_MAX: usize = 8;
/// Bytes of their names, and of a line.
const LINE_BYTES_MAX: usize = 4_096;

/// Words of the new process.
pub(super) const PREPARED: &str = "prepared";
pub(super) const READY: &str = "ready";
pub(super) const FAILED: &str = "failed ";
/// Words of the old one.
pub(super) const GO: &str = "go";
pub(super) const SERVE: &str = "serve";

/// One end.
#[derive(Debug)]
pub(super) struct Wire(pub(super) UnixStream);

/// Ends a wire when it is dropped: both ends hear so, also one that waits on another thread.
#[derive(Debug)]
pub(super) struct HangUp(Option<UnixStream>);

impl HangUp {
    /// The wire goes on.
    pub(super) fn cancel(mut self) {
        self.0 = None;
    }
}

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(wire) = &self.0 {
            // The other end may be gone.
            let _ = wire.shutdown(Shutdown::Both);
        }
    }
}

impl Wire {
    pub(super) fn hang_up(&self) -> io::Result<HangUp> {
        self.0.try_clone().map(|wire| HangUp(Some(wire)))
    }

    /// Passes sockets on, each with its name, which has no space.
    pub(super) fn pass(&self, sockets: &[(&str, &TcpListener)]) -> io::Result<()> {
        let names: Vec<_> = sockets.iter().map(|(name, _)| *name).collect();
        let line = names.join(" ") + "\n";
        let borrowed: Vec<_> = sockets.iter().map(|(_, socket)| socket.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
            return Err(io::Error::other(format!("there are more than {SOCKETS_MAX} sockets")));
        }
        let sent = sendmsg(&self.0, &[IoSlice::new(line.as_bytes())], &mut control, SendFlags::empty())?;
        if sent == line.len() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::WriteZero)) }
    }

    /// Takes sockets with their names.
    pub(super) fn take(&self) -> io::Result<Vec<(String, TcpListener)>> {
        let mut line = [0; LINE_BYTES_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let length = recvmsg(&self.0, &mut [IoSliceMut::new(&mut line)], &mut control, RecvFlags::empty())?.bytes;
        let mut sockets: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(passed) = message {
                sockets.extend(passed);
            }
        }
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "what came is not the names of the sockets");
        let text = str::from_utf8(line.get(..length).unwrap_or_default()).map_err(|_| invalid())?;
        let names: Vec<_> = text.strip_suffix('\n').ok_or_else(invalid)?.split_whitespace().collect();
        if names.len() != sockets.len() {
            return Err(invalid());
        }
        for socket in &sockets {
            // A process that is started from here gets them in the same way, and in no other.
            fcntl_setfd(socket, FdFlags::CLOEXEC)?;
        }
        Ok(names.into_iter().map(str::to_owned).zip(sockets.into_iter().map(TcpListener::from)).collect())
    }

    /// Says a line.
    pub(super) fn say(&self, line: &str) -> io::Result<()> {
        (&self.0).write_all(format!("{}\n", line.replace('\n', " ")).as_bytes())
    }

    /// The next line, for which the other end has until `deadline`. `None`: it is gone.
    pub(super) fn hear(&self, deadline: Option<Instant>) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.0.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
            let mut byte = [0];
            match (&self.0).read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) if byte == *b"\n" => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
                Ok(_) if line.len() == LINE_BYTES_MAX => return Err(io::ErrorKind::InvalidData.into()),
                Ok(_) => line.extend(byte),
                // The loop looks at the clock.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    fn pair() -> [Wire; 2] {
        let (one, other) = UnixStream::pair().unwrap();
        [Wire(one), Wire(other)]
    }

    #[test]
    fn a_socket_that_was_passed_is_the_same_one() {
        let [old, new] = pair();
        let sockets = ["http", "https"].map(|name| (name, TcpListener::bind("127.0.0.1:0").unwrap()));
        old.pass(&sockets.each_ref().map(|(name, socket)| (*name, socket))).unwrap();
        let taken = new.take().unwrap();
        let address = |socket: &TcpListener| socket.local_addr().unwrap();
        let told = |sockets: Vec<(&str, &TcpListener)>| {
            sockets.into_iter().map(|(name, socket)| format!("{name} {}", address(socket))).collect::<Vec<_>>()
        };
        let passed = told(sockets.iter().map(|(name, socket)| (*name, socket)).collect());
        assert_eq!(told(taken.iter().map(|(name, socket)| (name.as_str(), socket)).collect()), passed);
        let waiting = TcpStream::connect(address(&sockets[0].1)).unwrap();
        drop(sockets);
        assert_eq!(taken[0].1.accept().unwrap().1, waiting.local_addr().unwrap());
    }

    #[test]
    fn what_is_no_list_of_sockets_is_an_error() {
        let [old, new] = pair();
        old.pass(&[]).unwrap();
        assert!(new.take().unwrap().is_empty());
        old.say("http").unwrap();
        assert!(new.take().is_err(), "a name without a socket");
        drop(old);
        assert!(new.take().is_err(), "nobody is there");
    }

    #[test]
    fn lines_come_whole_in_time_or_not_at_all() {
        let [old, new] = pair();
        old.say("a\nb").unwrap();
        old.say(GO).unwrap();
        assert_eq!(new.hear(None).unwrap().as_deref(), Some("a b"));
        assert_eq!(new.hear(Some(Instant::now() + Duration::from_secs(20))).unwrap().as_deref(), Some(GO));
        let late = new.hear(Some(Instant::now() + Duration::from_millis(5))).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        (&old.0).write_all(&[b'x'; LINE_BYTES_MAX + 1]).unwrap();
        assert_eq!(new.hear(None).unwrap_err().kind(), io::ErrorKind::InvalidData);
        drop(old);
        assert_eq!(new.hear(None).unwrap(), None);
    }
}
