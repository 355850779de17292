using System.Runtime.InteropServices;
using System.Text;

using PipeForkAs.Client.Exchanges;
using PipeForkAs.LibC;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>ssh(1) as a child, with one socket as its standard input and output. It ends with the command, however the command ends.
/// </summary>
internal sealed class SshProcess : IDisposable
{
    /// <summary>How long to wait for the end of ssh after the end of its output, in milliseconds.</summary>
    private const int EndGrace = 5_000;

    private readonly string host;
    private readonly ProcessId pid;
    private readonly OutputTail tail = new();
    private FileDescriptor? words;
    private bool isReaped;

    private SshProcess(string host, ProcessId pid, FileDescriptor socket, FileDescriptor words)
    {
        this.host = host;
        this.pid = pid;
        this.words = words;
        Socket = socket;
    }

    /// <summary>The other end of its standard input and output.</summary>
    public FileDescriptor Socket { get; }

    /// <summary>The other end of its standard error; null after the end.</summary>
    public FileDescriptor? Words => words;

    /// <summary>Starts ssh.</summary>
    /// <param name="address">The address of the daemon.</param>
    /// <exception cref="RemoteHostException">It cannot be started.</exception>
    public static SshProcess Start(DaemonAddress address)
    {
        string host = address.Host!.ToString();
        (FileDescriptor own, FileDescriptor theirs) = Libc.socketpair_stream();
        (FileDescriptor read, FileDescriptor write) = Libc.pipe2();
        try
        {
            // Only the ends of the command: ssh may expect that its own block.
            Libc.set_nonblocking(own);
            Libc.set_nonblocking(read);
            ProcessId pid = Spawn(Find(), ["ssh", .. address.SshArguments(mayPrompt: true)], theirs, write);
            return new SshProcess(host, pid, own, read);
        }
        catch (Exception failure) when (failure is SystemCallException or IOException)
        {
            own.Dispose();
            read.Dispose();
            throw new RemoteHostException(host, failure.Message, failure);
        }
        finally
        {
            theirs.Dispose();
            write.Dispose();
        }
    }

    /// <summary>Reads what is there of standard error.</summary>
    public void ReadWords()
    {
        Span<byte> buffer = stackalloc byte[4096];
        while (words is not null)
        {
            IOResult result = Libc.read(words, buffer);
            if (result.WouldBlock)
                return;
            if (result.Failed || result.Count == 0)
            {
                words.Dispose();
                words = null;
                return;
            }

            tail.Add(buffer[..(int)result.Count]);
            if (result.Count < buffer.Length)
                return;
        }
    }

    /// <summary>Returns the reason for the end of ssh.</summary>
    public RemoteHostException Explain()
    {
        int? status = Await(EndGrace) is WaitStatus.Exited { Code: var code } ? code : null;
        ReadWords();
        return new RemoteHostException(host, status, tail.Text());
    }

    /// <summary>Waits for its end, and reads its words meanwhile.</summary>
    public void End() => Await(-1);

    /// <summary>Ends it unless it has ended.</summary>
    public void Dispose()
    {
        words?.Dispose();
        words = null;
        if (isReaped)
            return;
        Libc.kill(pid, Signal.SIGTERM);
        if (Await(EndGrace) is not null)
            return;
        Libc.kill(pid, Signal.SIGKILL);
        Libc.wait_for(pid);
        isReaped = true;
    }

    private WaitStatus? Await(int milliseconds)
    {
        if (isReaped)
            return null;
        using FileDescriptor ended = Libc.pidfd_open(pid);
        long deadline = Environment.TickCount64 + milliseconds;
        Span<PollEntry> entries = stackalloc PollEntry[2];
        while (true)
        {
            if (Libc.reap(pid) is { } child)
            {
                isReaped = true;
                return child.Status;
            }

            int left = milliseconds < 0 ? -1 : (int)Math.Max(0, deadline - Environment.TickCount64);
            if (left == 0)
                return null;
            entries[0] = new(ended, PollEvents.POLLIN);
            entries[1] = new(words, PollEvents.POLLIN);
            Libc.poll(entries, left);
            if (entries[1].IsReady)
                ReadWords();
        }
    }

    /// <summary>Finds ssh on the PATH, as a shell does.</summary>
    private static string Find()
    {
        string path = Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } given ? given : "/usr/bin:/bin";
        string[] places = [.. path.Split(':').Where(folder => folder.StartsWith('/')).Select(folder => folder.TrimEnd('/') + "/ssh")];
        return places.FirstOrDefault(File.Exists) ?? "/usr/bin/ssh";
    }

    private static ProcessId Spawn(string program, string[] words, FileDescriptor socket, FileDescriptor error)
    {
        byte[] joined = Encoding.UTF8.GetBytes(program + '\0' + string.Join('\0', words) + '\0');
        try
        {
            int pid = pipeforkas_spawn_tied(ref joined[0], joined.Length, socket.Number, error.Number);
            return pid > 0 ? new ProcessId(pid) : throw new IOException($"{program}: {new Errno(-pid).Text}", -pid);
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            // Not the native program.
            string[] environment =
            [
                .. from System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables()
                   select $"{variable.Key}={variable.Value}",
            ];
            return Libc.posix_spawn(program, words, environment, [(socket, 0), (socket, 1), (error, 2)]);
        }
    }

    // LibraryImport generates code with pointers, which only LibC may contain. The function reads as many bytes as the length says.
#pragma warning disable SYSLIB1054
    [DllImport("pipeforkas_command")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int pipeforkas_spawn_tied(ref byte words, int length, int socket, int error);
#pragma warning restore SYSLIB1054
}
