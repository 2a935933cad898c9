//! A WASI reactor in Rust: an export takes the params' JSON in its memory and gives back the result's,
//! another takes and gives numbers.
//!
//! rustc --target wasm32-wasip1 --crate-type cdylib -O -o stats.wasm stats.rs
//! (before Rust 1.78 the target is called wasm32-wasi)
//!
//! serverledge create longest --runtime wasm --src stats.wasm --handler stats.longest
//! serverledge invoke longest -p text:"a function in WebAssembly"
//! serverledge create gcd --runtime wasm --src stats.wasm --handler stats.gcd
//! serverledge invoke gcd -p a:48 -p b:36

/// Room for the params, which `longest` takes over.
#[no_mangle]
pub extern "C" fn alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; length].into_boxed_slice()) as *mut u8
}

/// Pointer and length of the params come in; those of the result go out in one number.
#[no_mangle]
pub unsafe extern "C" fn longest(pointer: *mut u8, length: usize) -> u64 {
    let params = String::from_utf8_unchecked(Vec::from_raw_parts(pointer, length, length));
    let word = params.split(|c: char| !c.is_alphanumeric()).max_by_key(|word| word.len());
    let result = format!("{{\"longest\":\"{}\"}}", word.unwrap_or(""));
    let bytes = Box::leak(result.into_bytes().into_boxed_slice());
    (bytes.as_ptr() as u64) << 32 | bytes.len() as u64
}

/// The greatest common divisor.
#[no_mangle]
pub extern "C" fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
