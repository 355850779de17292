namespace PipeForkAs.LibC;

/// <summary>The descriptors 0, 1 and 2. The process that starts a program may leave some of them closed.</summary>
public static class StandardStreams
{
    /// <summary>Opens /dev/null in place of each closed descriptor, as set-user-id programs do. Otherwise the next files and sockets that
    /// the process opens get these numbers, and code that writes a message writes into one of them. The descriptors stay open across exec.
    /// </summary>
    /// <exception cref="SystemCallException">There is no /dev/null.</exception>
    public static void Occupy()
    {
        while (true)
        {
            using FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR);
            if (nothing.Number > C.STDERR_FILENO)
                return;
            Libc.clear_cloexec(nothing);
            nothing.Release();
        }
    }
}
