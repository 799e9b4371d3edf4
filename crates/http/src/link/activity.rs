//! [`Activity`]: requests, answers and bytes of one connection. [`Doing`] says whether the connection may be closed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};

/// State of a connection between two of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// A request is under way, or an answer has not left.
    Work,
    /// No request has come yet, or some of the head of one has. The number counts the requests so far.
    Head(u32),
    /// All requests, of this number, have been answered, and nothing has come since.
    Nothing(u32),
}

/// Bytes that have come and are no whole request yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Input {
    /// None have come since nothing was under way.
    Nothing,
    /// HTTP/1: a head has begun.
    Head,
    /// HTTP/1: a head has begun, and its request line has a `#`.
    Fragment,
    /// HTTP/2: a frame or a head is not whole.
    Frames,
}

/// Activity of one connection. Relaxed everywhere: all that use it run on one thread.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    requests: AtomicU32,
    under_way: AtomicU32,
    is_write_pending: AtomicBool,
    /// An [`Input`].
    input: AtomicU8,
}

/// Something that keeps its connection from being idle.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Activity>);

impl UnderWay {
    pub(crate) fn begin(activity: &Arc<Activity>) -> Self {
        activity.begin();
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Activity {
    /// A request has come.
    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Something keeps the connection from being idle, until [`Activity::end`].
    fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// The end of what began with [`Activity::begin`].
    fn end(&self) {
        let is_last = self.under_way.fetch_sub(1, Ordering::Relaxed) == 1;
        // Frames stay open whatever ends.
        if is_last && self.input() != Input::Frames {
            self.set_input(Input::Nothing);
        }
    }

    /// The socket was asked to take bytes. `is_pending` says that it took none.
    pub(crate) fn note_write(&self, is_pending: bool) {
        self.is_write_pending.store(is_pending, Ordering::Relaxed);
    }

    /// HTTP/1: bytes have come. `has_fragment` says that the request line has a `#` so far.
    pub(crate) fn note_read(&self, has_fragment: bool) {
        self.set_input(if has_fragment { Input::Fragment } else { Input::Head });
    }

    /// HTTP/2: bytes have come. `are_open` says that the last frame, or a head, is not whole.
    pub(crate) fn note_frames(&self, are_open: bool) {
        self.set_input(if are_open { Input::Frames } else { Input::Nothing });
    }

    /// Whether the request that has just come has a `#` in its target. For the next one the answer is no until a `#` is seen.
    pub(crate) fn take_fragment(&self) -> bool {
        let has_fragment = self.input() == Input::Fragment;
        if has_fragment {
            self.set_input(Input::Head);
        }
        has_fragment
    }

    /// Whether bytes have not left because the socket took none.
    pub(crate) fn is_write_pending(&self) -> bool {
        self.is_write_pending.load(Ordering::Relaxed)
    }

    /// Whether the connection may be closed and nobody misses anything: no answer is under way, and no body is read.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0 && !self.is_write_pending()
    }

    /// Whether a head has begun since nothing was under way. Over HTTP/1, bytes that came in one piece with the request before
    /// are not seen.
    pub(crate) fn has_begun_head(&self) -> bool {
        self.input() != Input::Nothing
    }

    /// The state as of now.
    pub(crate) fn doing(&self) -> Doing {
        let requests = self.requests.load(Ordering::Relaxed);
        match () {
            () if !self.is_idle() => Doing::Work,
            () if requests == 0 || self.has_begun_head() => Doing::Head(requests),
            () => Doing::Nothing(requests),
        }
    }

    fn input(&self) -> Input {
        let inputs = [Input::Head, Input::Fragment, Input::Frames];
        let input = self.input.load(Ordering::Relaxed);
        inputs.into_iter().find(|other| *other as u8 == input).unwrap_or(Input::Nothing)
    }

    fn set_input(&self, input: Input) {
        self.input.store(input as u8, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_works_or_reads_a_head_or_does_nothing() {
        let activity = Activity::default();
        assert_eq!(activity.doing(), Doing::Head(0), "the first head is waited for");
        activity.note_read(false);
        activity.count_request();
        activity.begin();
        assert_eq!(activity.doing(), Doing::Work);
        activity.end();
        assert_eq!(activity.doing(), Doing::Nothing(1));
        activity.note_write(true);
        assert_eq!(activity.doing(), Doing::Work, "the answer has not left");
        activity.note_write(false);
        activity.note_read(false);
        assert_eq!(activity.doing(), Doing::Head(1));
    }

    #[test]
    fn a_fragment_counts_for_one_request() {
        let activity = Activity::default();
        activity.note_read(true);
        assert!(activity.take_fragment() && !activity.take_fragment());
        assert!(activity.has_begun_head(), "the head is there all the same");
    }

    #[test]
    fn frames_are_open_until_they_are_whole_whatever_ends_meanwhile() {
        let activity = Activity::default();
        activity.count_request();
        activity.begin();
        activity.note_frames(true);
        activity.end();
        assert_eq!(activity.doing(), Doing::Head(1));
        activity.note_frames(false);
        assert_eq!(activity.doing(), Doing::Nothing(1));
    }
}
