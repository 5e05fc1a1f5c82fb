//! Translates a driver's errors.

use crate::accounts::user_name;
use crate::source::camera_error::{CameraError, holder};
use std::fs;
use std::io;
use std::path::Path;

/// The meaning of a system call's error on the device `path`; `what` is the operation that failed.
pub(in crate::source) fn fault(path: &Path, what: &'static str, source: io::Error) -> CameraError {
    let path = path.to_owned();
    match source.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO | libc::EIO | libc::ESHUTDOWN | libc::EPROTO) => CameraError::Gone(path),
        Some(libc::EBUSY) => CameraError::Busy { holder: holder_in_words(&path), path },
        Some(libc::EACCES | libc::EPERM) => CameraError::Forbidden { group: group_of(&path), user: user_name(), path },
        Some(libc::ENOSPC) => CameraError::Bandwidth(path),
        _ => CameraError::Failed { path, what, source },
    }
}

fn holder_in_words(device: &Path) -> String {
    match holder(Path::new("/proc"), device) {
        Some((id, name)) => format!("`{name}` ({id}); end that program, or name another camera"),
        None => {
            format!(
                "a program of another user; `sudo fuser -v {}` names it: end it, or name another camera",
                device.display()
            )
        }
    }
}

/// The name of a device's group; `video`, as everywhere, where it has none.
fn group_of(device: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let named = || {
        let group = fs::metadata(device).ok()?.gid();
        let groups = fs::read_to_string("/etc/group").ok()?;
        // name:password:number:members. Joining root's group would be too much to ask.
        groups.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?);
            (number.parse() == Ok(group) && group != 0).then(|| name.to_owned())
        })
    };
    named().unwrap_or_else(|| "video".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_causes_with_what_to_do() {
        let path = Path::new("/dev/video9");
        for (code, says) in [
            (libc::ENODEV, "unplugged"),
            (libc::EIO, "unplugged"),
            (libc::EBUSY, "in use by"),
            (libc::EACCES, "usermod -aG video"),
            (libc::ENOSPC, "USB port"),
            (libc::EINVAL, "failed to start"),
        ] {
            let error = fault(path, "start", io::Error::from_raw_os_error(code)).to_string();
            assert!(error.contains(says) && error.contains("/dev/video9"), "{error}");
        }
    }

    #[test]
    fn who_may_not_is_named_whoever_reads_it() {
        let error = fault(Path::new("/dev/video9"), "open", io::Error::from_raw_os_error(libc::EACCES)).to_string();
        let name = std::process::Command::new("id").arg("-un").output().map(|said| said.stdout);
        let name = name.map(|name| String::from_utf8_lossy(&name).trim().to_owned());
        if let Ok(name) = name {
            assert!(error.contains(&format!("`sudo usermod -aG video {name}`")) && !error.contains("USER"), "{error}");
        }
    }

    #[test]
    fn who_has_the_device_comes_before_what_to_do() {
        let path = Path::new("/dev/video9");
        let busy = fault(path, "start", io::Error::from_raw_os_error(libc::EBUSY)).to_string();
        let (found, fix) = busy.split_once("; ").unwrap_or_default();
        assert!(found.starts_with("/dev/video9 is in use by ") && fix.contains("end it"), "{busy}");
    }
}
