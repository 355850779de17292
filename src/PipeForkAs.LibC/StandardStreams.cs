namespace PipeForkAs.LibC;

/// <summary>The descriptors 0, 1 and 2. Who starts a process may leave some of them closed.</summary>
public static class StandardStreams
{
    /// <summary>
    /// Opens /dev/null in the place of each that is closed, as set-user-id programs do. Otherwise the next files and sockets that the
    /// process opens get these numbers, and whatever writes a message writes into one of them. They stay open over exec.
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
