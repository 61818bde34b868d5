//! Paths instead of inodes, and whole contents instead of pieces.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    IoctlFlags, LockOwner, OpenAccMode, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyIoctl,
    ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::errno;

/// What a call gives, or the number of its error.
pub(crate) type Answer<T> = Result<T, i32>;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Folder,
    File { readable: bool, writable: bool },
}

/// A folder of pseudo-files. Paths have no slash in front; the root is empty.
pub(crate) trait Folder: Send + Sync + 'static {
    fn find(&self, path: &str) -> Option<Found>;

    fn make(&self, _path: &str) -> Answer<()> {
        Err(errno::PERMISSION)
    }

    fn remove(&self, _path: &str) -> Answer<()> {
        Err(errno::PERMISSION)
    }

    /// All of a file, asked for once per opened file at its first read. May take as long as it likes.
    fn read(&self, path: &str) -> Answer<Vec<u8>>;

    /// One write(2).
    fn write(&self, path: &str, at: u64, bytes: &[u8]) -> Answer<()>;

    /// A file that was written to is closed: all that was written.
    fn close(&self, _path: &str, _written: &[u8]) {}

    /// One ioctl(2).
    fn control(&self, _path: &str, _command: u32, _given: &[u8]) -> Answer<Vec<u8>> {
        Err(errno::NOT_TTY)
    }
}

#[derive(Clone, Default)]
struct Opened {
    path: String,
    content: Option<Vec<u8>>,
    written: Option<Vec<u8>>,
}

/// The file system.
pub(crate) struct Tree<F> {
    folder: Arc<F>,
    paths: Mutex<Vec<String>>,
    opened: Arc<Mutex<HashMap<u64, Opened>>>,
    handles: AtomicU64,
}

/// Nothing is remembered by the kernel: each call comes here.
const AT_ONCE: Duration = Duration::ZERO;

impl<F: Folder> Tree<F> {
    pub(crate) fn of(folder: Arc<F>) -> Self {
        Self {
            folder,
            paths: Mutex::new(vec![String::new()]),
            opened: Arc::default(),
            handles: AtomicU64::new(1),
        }
    }

    fn path(&self, inode: INodeNo) -> String {
        let paths = self.paths.lock().unwrap();
        paths[usize::try_from(inode.0).unwrap() - 1].clone()
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> String {
        let (parent, name) = (self.path(parent), name.to_str().unwrap());
        if parent.is_empty() { name.into() } else { format!("{parent}/{name}") }
    }

    fn attributes(&self, path: &str) -> Option<FileAttr> {
        let found = self.folder.find(path)?;
        let mut paths = self.paths.lock().unwrap();
        let at = paths.iter().position(|p| p == path).unwrap_or_else(|| {
            paths.push(path.into());
            paths.len() - 1
        });
        let (kind, perm) = match found {
            Found::Folder => (FileType::Directory, 0o755),
            Found::File { readable, writable } => {
                (FileType::RegularFile, if readable { 0o400 } else { 0 } | if writable { 0o200 } else { 0 })
            }
        };
        Some(FileAttr {
            ino: INodeNo(u64::try_from(at).unwrap() + 1),
            size: 0,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 512,
            flags: 0,
        })
    }

    fn enter(&self, path: &str, reply: ReplyEntry) {
        match self.attributes(path) {
            Some(attributes) => reply.entry(&AT_ONCE, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }
}

impl<F: Folder> Filesystem for Tree<F> {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.enter(&self.child(parent, name), reply);
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(&self.path(inode)) {
            Some(attributes) => reply.attr(&AT_ONCE, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    /// Truncation, as of `O_TRUNC`, is refused: some guest kernels do so too.
    fn setattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        reply.error(Errno::EINVAL);
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let path = self.child(parent, name);
        match self.folder.make(&path) {
            Ok(()) => self.enter(&path, reply),
            Err(e) => reply.error(Errno::from_i32(e)),
        }
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        match self.folder.remove(&self.child(parent, name)) {
            Ok(()) => reply.ok(),
            Err(e) => reply.error(Errno::from_i32(e)),
        }
    }

    fn open(&self, _: &Request, inode: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let path = self.path(inode);
        let (reads, writes) = match flags.acc_mode() {
            OpenAccMode::O_RDONLY => (true, false),
            OpenAccMode::O_WRONLY => (false, true),
            OpenAccMode::O_RDWR => (true, true),
        };
        match self.folder.find(&path) {
            Some(Found::File { readable, writable }) if reads <= readable && writes <= writable => {
                let handle = self.handles.fetch_add(1, Ordering::Relaxed);
                self.opened.lock().unwrap().insert(handle, Opened { path, ..Opened::default() });
                reply.opened(FileHandle(handle), FopenFlags::FOPEN_DIRECT_IO);
            }
            Some(_) => reply.error(Errno::EACCES),
            None => reply.error(Errno::ENOENT),
        }
    }

    /// On a thread of its own: a read may hang, and the file system goes on.
    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (folder, opened) = (Arc::clone(&self.folder), Arc::clone(&self.opened));
        std::thread::spawn(move || {
            let Opened { path, content, .. } = opened.lock().unwrap()[&handle.0].clone();
            let content = match content.map_or_else(|| folder.read(&path), Ok) {
                Ok(content) => content,
                Err(e) => return reply.error(Errno::from_i32(e)),
            };
            let from = usize::try_from(offset).unwrap().min(content.len());
            let to = (from + size as usize).min(content.len());
            let piece = content[from..to].to_vec();
            if let Some(file) = opened.lock().unwrap().get_mut(&handle.0) {
                file.content = Some(content);
            }
            reply.data(&piece);
        });
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut opened = self.opened.lock().unwrap();
        let file = opened.get_mut(&handle.0).unwrap();
        match self.folder.write(&file.path, offset, data) {
            Ok(()) => {
                file.written.get_or_insert_default().extend(data);
                reply.written(u32::try_from(data.len()).unwrap());
            }
            Err(e) => reply.error(Errno::from_i32(e)),
        }
    }

    /// The kernel waits for this one in close(2), and not for `release`.
    fn flush(&self, _: &Request, _: INodeNo, handle: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        let file = self.opened.lock().unwrap().get_mut(&handle.0).map(|f| (f.path.clone(), f.written.take()));
        if let Some((path, Some(written))) = file {
            self.folder.close(&path, &written);
        }
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.opened.lock().unwrap().remove(&handle.0);
        reply.ok();
    }

    fn ioctl(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        command: u32,
        given: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        // On a thread of its own, as a read.
        let (folder, path, given) = (Arc::clone(&self.folder), self.path(inode), given.to_vec());
        std::thread::spawn(move || match folder.control(&path, command, &given) {
            Ok(answer) => reply.ioctl(0, &answer),
            Err(e) => reply.error(Errno::from_i32(e)),
        });
    }
}
