using System.Security.Cryptography;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.TestJobs;

/// <param name="Bytes">The number for each output; 0 for endless output.</param>
internal sealed record FloodArguments(long Bytes);

internal sealed record MarkArguments(string Path);

/// <summary>Jobs that move bytes.</summary>
internal static class Transfer
{
    public static int Flood(FloodArguments arguments, JobContext context)
    {
        var ones = new byte[32 * 1024];
        var twos = new byte[ones.Length];
        ones.AsSpan().Fill((byte)'1');
        twos.AsSpan().Fill((byte)'2');
        long left = arguments.Bytes == 0 ? long.MaxValue : arguments.Bytes;
        while (left > 0)
        {
            int count = (int)Math.Min(left, ones.Length);
            context.Output.Write(ones, 0, count);
            context.Error.Write(twos, 0, count);
            left -= count;
        }

        return 0;
    }

    public static string CountStdin(JobContext context)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        long total = 0;
        int count;
        while ((count = context.Input.Read(buffer)) > 0)
        {
            hash.AppendData(buffer, 0, count);
            total += count;
        }

        return $"{total} {Convert.ToHexStringLower(hash.GetHashAndReset())}\n";
    }

    public static int Mark(MarkArguments arguments, JobContext context)
    {
        // A call that Windows lacks: it builds without a warning (CA1416).
        File.WriteAllText(arguments.Path, $"{Libc.getpid()} {Libc.getresuid().Real}\n");
        File.SetUnixFileMode(arguments.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return 0;
    }
}
