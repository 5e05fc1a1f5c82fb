//! The user this program runs as.

use std::fs;

/// The number of the user this program runs as.
pub(crate) fn user_id() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The user's name; their number where they have none.
pub(crate) fn user_name() -> String {
    let id = user_id().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    // name:password:number:group:...
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    });
    name.unwrap_or(id)
}
