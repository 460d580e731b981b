//! What the runtimes of languages need of a system (WASI 0.2): random numbers, clocks, standard output into the router's log, and an environment
//! with nothing in it. There are no files and no network: what is not here is there for components that mention it, and ends a call that uses
//! it.

use std::time::{Duration, SystemTime};

use aws_lc_rs::rand;
use wasmtime::component::{Component, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource};
use wasmtime::{Result, StoreContextMut, bail};

use crate::runtime::bindings::log::Level;
use crate::runtime::bindings::names;
use crate::runtime::state::State;

/// The interfaces that a component may mention, without their versions.
const KNOWN: [&str; 6] = ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// The streams that there are. All resources of WASI are of one type: what is none of these does nothing.
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// The bytes of random numbers that a component gets at once.
const MAX_RANDOM: u64 = 64 << 10;

/// A time of the system.
#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Why a stream can't be written.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<()>),
    #[component(name = "closed")]
    Closed,
}

type Written<T> = Result<(std::result::Result<T, StreamError>,)>;

/// Defines what a component mentions. The error names what hooks don't get.
pub(crate) fn define(linker: &mut Linker<State>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    for (name, _) in component.component_type().imports(&engine) {
        if name.starts_with(names::PACKAGE) {
            continue;
        }
        if !KNOWN.iter().any(|known| name.starts_with(known)) {
            bail!("it imports {name}, which hooks don't get");
        }
        // The version that the component has: minor versions differ in nothing that is here.
        let interface = name.split('@').next().unwrap_or(name);
        let mut instance = linker.instance(name)?;
        match interface {
            "wasi:random/random" => random(&mut instance, "get-random-bytes", "get-random-u64")?,
            "wasi:random/insecure" => random(&mut instance, "get-insecure-random-bytes", "get-insecure-random-u64")?,
            "wasi:random/insecure-seed" => {
                instance.func_wrap("insecure-seed", |_, ()| Ok(((number()?, number()?),)))?;
            }
            "wasi:clocks/monotonic-clock" => monotonic_clock(&mut instance)?,
            "wasi:clocks/wall-clock" => wall_clock(&mut instance)?,
            "wasi:cli/environment" => environment(&mut instance)?,
            "wasi:cli/stdout" => {
                instance.func_wrap("get-stdout", |_, ()| Ok((Resource::<()>::new_own(STDOUT),)))?;
            }
            "wasi:cli/stderr" => {
                instance.func_wrap("get-stderr", |_, ()| Ok((Resource::<()>::new_own(STDERR),)))?;
            }
            "wasi:cli/terminal-stdin" => no_terminal(&mut instance, "get-terminal-stdin")?,
            "wasi:cli/terminal-stdout" => no_terminal(&mut instance, "get-terminal-stdout")?,
            "wasi:cli/terminal-stderr" => no_terminal(&mut instance, "get-terminal-stderr")?,
            "wasi:io/streams" => streams(&mut instance)?,
            "wasi:filesystem/preopens" => {
                let none = |_: StoreContextMut<'_, State>, ()| Ok((Vec::<(Resource<()>, String)>::new(),));
                instance.func_wrap("get-directories", none)?;
            }
            _ => {}
        }
    }
    linker.define_unknown_imports_as_traps(component)
}

fn random(instance: &mut LinkerInstance<'_, State>, bytes: &str, one: &str) -> Result<()> {
    instance.func_wrap(bytes, |_, (length,): (u64,)| {
        if length > MAX_RANDOM {
            bail!("it asked for more than {MAX_RANDOM} random bytes at once");
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        fill(&mut bytes)?;
        Ok((bytes,))
    })?;
    instance.func_wrap(one, |_, ()| Ok((number()?,)))
}

fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    rand::fill(bytes).map_err(|_| wasmtime::Error::msg("there are no random numbers"))
}

fn monotonic_clock(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap("now", |store: StoreContextMut<'_, State>, ()| {
        let nanos = store.data().began.elapsed().as_nanos();
        Ok((u64::try_from(nanos).unwrap_or(u64::MAX),))
    })?;
    instance.func_wrap("resolution", |_, ()| Ok((1_u64,)))
}

fn wall_clock(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap("now", |_, ()| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Ok((Datetime { seconds: since.as_secs(), nanoseconds: since.subsec_nanos() },))
    })?;
    instance.func_wrap("resolution", |_, ()| Ok((Datetime { seconds: 0, nanoseconds: 1 },)))
}

fn environment(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap("get-environment", |_, ()| Ok((Vec::<(String, String)>::new(),)))?;
    instance.func_wrap("get-arguments", |_, ()| Ok((Vec::<String>::new(),)))?;
    instance.func_wrap("initial-cwd", |_, ()| Ok((None::<String>,)))
}

fn no_terminal(instance: &mut LinkerInstance<'_, State>, name: &str) -> Result<()> {
    instance.func_wrap(name, |_, ()| Ok((None::<Resource<()>>,)))
}

fn streams(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    const ROOM: u64 = 4 << 10;
    let room = |_: StoreContextMut<'_, State>, _: (Resource<()>,)| -> Written<u64> { Ok((Ok(ROOM),)) };
    instance.func_wrap("[method]output-stream.check-write", room)?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        instance.func_wrap(name, write)?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        let nothing = |_: StoreContextMut<'_, State>, _: (Resource<()>,)| -> Written<()> { Ok((Ok(()),)) };
        instance.func_wrap(name, nothing)?;
    }
    Ok(())
}

fn write(mut store: StoreContextMut<'_, State>, (stream, bytes): (Resource<()>, Vec<u8>)) -> Written<()> {
    let state = store.data_mut();
    state.hand_over(bytes.len())?;
    let level = match stream.rep() {
        STDOUT => Level::Info,
        STDERR => Level::Warn,
        _ => return Ok((Err(StreamError::Closed),)),
    };
    let text = String::from_utf8_lossy(&bytes);
    text.lines().filter(|line| !line.trim().is_empty()).for_each(|line| state.write(level, line));
    Ok((Ok(()),))
}
