//! Instructions for each delivery and for each publish, counted by valgrind, so that a change shows through the noise of a clock.
//!
//! `cargo bench --bench instructions` prints the table, and `cargo bench --bench instructions -- ring` the scenes with that word.
//! Each scene runs in a process of its own, once and then with twice the rounds. The difference of the two counts is of the
//! rounds alone, without start and setup. `callgrind_annotate target/tmp/instructions.out` shows the functions of the last run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table for people")]

mod scenes;

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
};

use crate::scenes::{SCENES, Scene};

/// The word before a scene and its rounds, for the process under valgrind.
const PLAY: &str = "--play";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [PLAY, scene, rounds] => play(scene, rounds),
        _ if words.contains(&"--bench") => {
            let wanted: Vec<&str> = words.into_iter().filter(|word| !word.starts_with('-')).collect();
            count(&wanted)
        }
        // For `cargo test`, as criterion does it.
        _ => {
            SCENES.iter().for_each(|scene| (scene.play)(1));
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("instructions: {why}");
            ExitCode::FAILURE
        }
    }
}

fn play(name: &str, rounds: &str) -> Result<(), String> {
    let scene = SCENES.iter().find(|scene| scene.name == name).ok_or("no such scene")?;
    (scene.play)(rounds.parse().map_err(|error| format!("rounds: {error}"))?);
    Ok(())
}

/// Prints a line for each scene that has one of the words in its name, or for all if there is no word.
fn count(words: &[&str]) -> Result<(), String> {
    println!("{:45} {:>12}", "scene", "instructions");
    for scene in SCENES.iter().filter(|scene| words.is_empty() || words.iter().any(|word| scene.name.contains(word))) {
        let (once, twice) = (instructions(scene, scene.rounds)?, instructions(scene, 2 * scene.rounds)?);
        let each = twice.saturating_sub(once) as f64 / (scene.rounds * scene.elements) as f64;
        println!("{:45} {each:>12.1}", scene.name);
    }
    Ok(())
}

/// All instructions of a process that plays so many rounds.
fn instructions(scene: &Scene, rounds: usize) -> Result<u64, String> {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions.out");
    let program = env::current_exe().map_err(|error| format!("this program is not found: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", &format!("--callgrind-out-file={}", output.display())]).arg(program);
    valgrind.args([PLAY, scene.name, &rounds.to_string()]);
    let ended = valgrind.output().map_err(|error| format!("valgrind could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let total = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    total.filter(|_| ended.status.success()).ok_or_else(|| format!("valgrind failed at {}:\n{said}", scene.name))
}
