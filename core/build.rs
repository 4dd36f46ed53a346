//! Does nothing: cargo regards `[build-dependencies]` only where there is a build script, and one of them evens out the
//! features of the compile-time crates (see Cargo.toml).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
