using System.Runtime.InteropServices;

namespace PipeForkAs.LibC.Tests;

/// <summary>Messages that LibC refuses to send, as a hostile peer would.</summary>
internal static unsafe partial class RawMessage
{
    /// <summary>Sends so many bytes with so many copies of a descriptor.</summary>
    public static void Send(FileDescriptor socket, int bytes, FileDescriptor descriptor, int count)
    {
        int length = sizeof(Libc.cmsghdr) + (count * sizeof(int));
        byte* control = stackalloc byte[length + 8];
        byte* data = stackalloc byte[bytes + 1];
        var header = (Libc.cmsghdr*)control;
        *header = new() { length = (nuint)length, level = Libc.SOL_SOCKET, type = Libc.SCM_RIGHTS };
        for (int i = 0; i < count; i++)
            ((int*)(control + sizeof(Libc.cmsghdr)))[i] = descriptor.Number;

        var part = new Libc.iovec { start = data, length = (nuint)bytes };
        var message = new Libc.msghdr { parts = &part, partCount = 1, control = control, controlLength = (nuint)((length + 7) & ~7) };
        // SAFETY: all that the message points to lives on the stack until the call returns, with the lengths that it tells.
        Assert.Equal(bytes, sendmsg(socket.Number, &message, 0));
    }

    /// <summary>Sends a byte with MSG_OOB and a descriptor.</summary>
    public static void SendOutOfBand(FileDescriptor socket, byte value, FileDescriptor descriptor)
    {
        byte* control = stackalloc byte[sizeof(Libc.cmsghdr) + 8];
        *(Libc.cmsghdr*)control = new() { length = (nuint)sizeof(Libc.cmsghdr) + sizeof(int), level = Libc.SOL_SOCKET, type = Libc.SCM_RIGHTS };
        *(int*)(control + sizeof(Libc.cmsghdr)) = descriptor.Number;
        var part = new Libc.iovec { start = &value, length = 1 };
        var message = new Libc.msghdr { parts = &part, partCount = 1, control = control, controlLength = (nuint)sizeof(Libc.cmsghdr) + 8 };
        const int MSG_OOB = 1;
        // SAFETY: all that the message points to lives on the stack until the call returns, with the lengths that it tells.
        Assert.Equal(1, sendmsg(socket.Number, &message, MSG_OOB));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int socket, Libc.msghdr* message, int flags);
}
