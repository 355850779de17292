using System.Text;
using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests a daemon that logs to stderr, which it shares with its job hosts and other processes.</summary>
public sealed class ConsoleLogTests
{
    private const int Patience = 30_000;

    [Fact(Timeout = Bound.Test)]
    public async Task A_record_of_any_length_is_written_in_one_piece()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string file = Path.Combine(folder, "pipeforkas.json");
        await File.WriteAllTextAsync(file, configuration.ToJsonString());
        string socket = (string)configuration["Socket"]!["Path"]!;

        // Each message of this socket is one write.
        (FileDescriptor log, FileDescriptor stderr) = Libc.socketpair_seqpacket();
        using (log)
        using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
        {
            ProcessId pid = Libc.posix_spawn(
                NativeBuild.Daemon, [NativeBuild.Daemon, "--config", file], [], [(nothing, 0), (nothing, 1), (stderr, 2)]);
            stderr.Dispose();
            try
            {
                List<string> pieces = ReadUntil(log, "listening on");
                string path = new('x', 3000);
                await Tool.RunAsync(
                    [NativeBuild.Command, "--socket", socket, "run", "--user", TestUsers.Alice, "list-directory", $"path={path}"]);
                pieces.AddRange(ReadUntil(log, "worker_pid="));
                Assert.Contains(pieces, piece => piece.Contains(path, StringComparison.Ordinal));
                Assert.DoesNotContain(pieces, piece => piece.IndexOf('\n', StringComparison.Ordinal) != piece.Length - 1);
            }
            finally
            {
                Libc.kill(pid, Signal.SIGTERM);
                Libc.wait_for(pid);
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static List<string> ReadUntil(FileDescriptor log, string expected)
    {
        List<string> pieces = [];
        var buffer = new byte[64 * 1024];
        while (pieces.Count == 0 || !pieces[^1].Contains(expected, StringComparison.Ordinal))
        {
            Assert.True(Libc.poll_readable(log, Patience), $"no \"{expected}\" in {pieces.Count} pieces");
            int length = Libc.recv(log, buffer).OrThrow("recv(log)");
            Assert.True(length > 0, $"the log ended before \"{expected}\"");
            pieces.Add(Encoding.UTF8.GetString(buffer, 0, length));
        }

        return pieces;
    }
}
