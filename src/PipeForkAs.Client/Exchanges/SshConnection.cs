using System.ComponentModel;
using System.Diagnostics;

namespace PipeForkAs.Client.Exchanges;

/// <summary>A connection through ssh(1): its standard streams are those of <c>pipeforkas dial</c> on the host.</summary>
internal sealed class SshConnection : IConnection
{
    /// <summary>How long to wait for the end of ssh and its last words after the end of its output.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(5);

    private static readonly HashSet<SshConnection> Open = [];

    private readonly string host;
    private readonly Process process;
    private readonly Stream input, output;
    private readonly Task<string> words;
    private readonly Action released;
    private int isDisposed;
    private volatile bool isComplete;

    static SshConnection() => AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();

    private SshConnection(string host, Process process, Action released)
    {
        this.host = host;
        this.process = process;
        this.released = released;
        input = process.StandardInput.BaseStream;
        output = process.StandardOutput.BaseStream;
        words = WordsAsync(process.StandardError.BaseStream);
    }

    /// <summary>Starts ssh.</summary>
    /// <param name="address">The address of the daemon.</param>
    /// <param name="released">Called once when the session has ended.</param>
    /// <exception cref="RemoteHostException">It cannot be started.</exception>
    public static SshConnection Start(DaemonAddress address, Action released)
    {
        ProcessStartInfo start = new("ssh", address.SshArguments(mayPrompt: false))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string host = address.Host!.ToString();
        try
        {
            SshConnection connection = new(host, Process.Start(start)!, released);
            lock (Open)
                Open.Add(connection);
            return connection;
        }
        catch (Win32Exception failure)
        {
            throw new RemoteHostException(host, failure.Message, failure);
        }
    }

    public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        // The write waits on a thread of the pool; killing ssh ends it.
        await input.WriteAsync(bytes, CancellationToken.None).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        await input.FlushAsync(cancellationToken).ConfigureAwait(false);
        return bytes.Length;
    }

    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        await output.ReadAsync(buffer, CancellationToken.None).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);

    public void EndInput() => input.Dispose();

    public void EndReply() => isComplete = true;

    public async Task<PipeForkAsException> ExplainAsync(long received, Exception? cause, CancellationToken cancellationToken)
    {
        int? status = null;
        string text = "";
        try
        {
            using CancellationTokenSource grace = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            grace.CancelAfter(EndGrace);
            await process.WaitForExitAsync(grace.Token).ConfigureAwait(false);
            status = process.ExitCode is < 128 or 255 ? process.ExitCode : null;
            text = await words.WaitAsync(grace.Token).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is OperationCanceledException or InvalidOperationException)
        {
            // ssh goes on, its standard error is held by another process, or the caller closed the connection: less is known.
        }

        RemoteHostException remote = new(host, status, text);
        return received == 0 ? remote : new ReplyCutShortException(received, remote);
    }

    /// <summary>Ends ssh unless the reply is complete: then it ends by itself. It may also share its connection with other sessions.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
            return;

        if (!isComplete)
            Kill();
        _ = EndAsync();
    }

    private static void KillAll()
    {
        lock (Open)
        {
            foreach (SshConnection connection in Open.Where(connection => !connection.isComplete))
                connection.Kill();
        }
    }

    /// <summary>Reads all that ssh writes to standard error, so that it does not wait, and keeps the end.</summary>
    private static async Task<string> WordsAsync(Stream error)
    {
        OutputTail tail = new();
        byte[] buffer = new byte[4096];
        try
        {
            int count;
            while ((count = await error.ReadAsync(buffer).ConfigureAwait(false)) > 0)
                tail.Add(buffer.AsSpan(0, count));
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // Disposed with the process.
        }

        return tail.Text();
    }

    private void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended.
        }
    }

    private async Task EndAsync()
    {
        try
        {
            // The end of a pipe that a write still uses cannot be closed; killing ssh has ended that write.
            await input.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // ssh reads no more.
        }

        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        lock (Open)
            Open.Remove(this);
        released();
        process.Dispose();
    }
}
