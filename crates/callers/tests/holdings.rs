//! Holdings: at the limit and one past it, and when they are given back.

use std::num::NonZeroU32;

use fanfare_callers::{Callers, HELD_RETRY_AFTER_SECONDS, Holding, Limit, Limits, Table};

const HOLDINGS: [Holding; 5] =
    [Holding::Socket, Holding::Stream, Holding::Body, Holding::HistoryPage, Holding::CatchUpRead];

/// Limits from 1 for sockets to 5 for catch-ups.
fn limits() -> Limits {
    let [sockets, streams, bodies, history_pages, catch_up_reads] = [1, 2, 3, 4, 5].map(NonZeroU32::new);
    Limits { sockets, streams, bodies, history_pages, catch_up_reads, ..Limits::NONE }
}

#[test]
fn each_number_has_its_limit_and_not_one_more() {
    let table = Table::new(&limits(), 100);
    let account = table.account(1_u32, 0);
    for (at, holding) in HOLDINGS.into_iter().enumerate() {
        let max = at + 1;
        let mut seats: Vec<_> = (0..max).map(|_| account.enter(holding).unwrap()).collect();
        let refused = account.enter(holding).unwrap_err();
        assert_eq!(refused.limit, Limit::Number(holding));
        assert_eq!(refused.retry_after_seconds, HELD_RETRY_AFTER_SECONDS);
        assert_eq!((account.held(holding), table.refusals().of(refused.limit)), (max as u32, 1));
        // The newest is refused, and whoever leaves makes room for one.
        drop(seats.remove(0));
        seats.push(account.enter(holding).unwrap());
        assert!(account.enter(holding).is_err());
        drop(seats);
        assert_eq!(account.held(holding), 0);
    }
}

#[test]
fn what_is_not_limited_is_counted_all_the_same() {
    let table = Table::new(&Limits::NONE, 100);
    let account = table.account(1_u32, 0);
    let seats: Vec<_> = (0..1_000).map(|_| account.enter(Holding::Stream).unwrap()).collect();
    assert_eq!(account.held(Holding::Stream), 1_000);
    drop(seats);
    assert_eq!(account.held(Holding::Stream), 0);
}

#[test]
fn one_caller_takes_nothing_from_another() {
    let table = Table::new(&limits(), 100);
    let (one, other) = (table.account(1_u32, 0), table.account(2, 0));
    let _seat = one.enter(Holding::Socket).unwrap();
    assert!(one.enter(Holding::Socket).is_err() && other.enter(Holding::Socket).is_ok());
}

#[test]
fn accounts_of_one_caller_are_one_and_a_seat_outlives_them() {
    let table = Table::new(&limits(), 100);
    let (one, again) = (table.account(1_u32, 0), table.account(1, 0));
    let seat = one.enter(Holding::Socket).unwrap();
    assert!(again.clone().enter(Holding::Socket).is_err());
    drop((one, again));
    assert!(table.account(1, 0).enter(Holding::Socket).is_err());
    drop(seat);
    assert!(table.account(1, 0).enter(Holding::Socket).is_ok());
}

#[test]
fn whoever_is_exempt_is_neither_limited_nor_kept() {
    let table = Table::<u32>::new(&limits(), 100);
    let account = table.exempt();
    let _seats: Vec<_> = (0..100).map(|_| account.enter(Holding::Socket).unwrap()).collect();
    assert_eq!((account.held(Holding::Socket), table.len()), (0, 0));
}

#[test]
fn seats_that_come_and_go_in_many_threads_are_never_more_than_the_limit_and_none_is_left() {
    let table = Table::new(&limits(), 100);
    let go = || {
        for round in 0..20_000_u64 {
            let account = table.account((round % 3) as u32, round);
            let seat = account.enter(Holding::CatchUpRead);
            assert!(account.held(Holding::CatchUpRead) <= 5);
            drop(seat);
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(go))));
    assert!((0..3).all(|key| table.account(key, 0).held(Holding::CatchUpRead) == 0));
}

#[test]
fn what_is_held_stays_when_the_limit_is_lower_and_counts() {
    let table = Table::new(&limits(), 100);
    let account = table.account(1_u32, 0);
    let streams = |max| Limits { streams: NonZeroU32::new(max), ..Limits::NONE };
    let mut seats = vec![account.enter(Holding::Stream).unwrap(), account.enter(Holding::Stream).unwrap()];
    table.set_limits(&streams(1));
    assert!(account.enter(Holding::Stream).is_err() && account.held(Holding::Stream) == 2);
    seats.pop();
    assert!(account.enter(Holding::Stream).is_err());
    table.set_limits(&streams(2));
    seats.push(account.enter(Holding::Stream).unwrap());
    assert!(account.enter(Holding::Stream).is_err());
}

#[test]
fn loopback_addresses_get_limits_and_lose_them() {
    let callers = Callers::new(&limits(), &Limits::NONE, 100);
    let address = "127.0.0.1".parse().unwrap();
    let two = |callers: &Callers| {
        let account = callers.peer(address, 0);
        let _one = account.enter(Holding::Socket).unwrap();
        account.enter(Holding::Socket).is_ok()
    };
    assert!(two(&callers));
    callers.set_limits(&limits(), &limits());
    assert!(!two(&callers));
    callers.set_limits(&limits(), &Limits::NONE);
    assert!(two(&callers));
}
