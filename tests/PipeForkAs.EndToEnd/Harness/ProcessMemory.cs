using System.Text;

namespace PipeForkAs.EndToEnd.Harness;

/// <summary>The memory of a process that it can write; proc_pid_mem(5).</summary>
internal static class ProcessMemory
{
    /// <summary>Returns the texts that are in it, as UTF-8 or as UTF-16.</summary>
    public static List<string> Find(int pid, params string[] texts)
    {
        var found = new List<string>();
        using FileStream memory = File.OpenRead($"/proc/{pid}/mem");
        foreach (string line in File.ReadLines($"/proc/{pid}/maps"))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!parts[1].StartsWith("rw", StringComparison.Ordinal))
                continue;
            long[] ends = [.. parts[0].Split('-').Select(end => Convert.ToInt64(end, 16))];
            byte[] content = new byte[ends[1] - ends[0]];
            memory.Position = ends[0];
            int length = 0;
            try
            {
                int count;
                while (length < content.Length && (count = memory.Read(content, length, content.Length - length)) > 0)
                    length += count;
            }
            catch (IOException)
            {
                // Reserved memory without pages, and what ended meanwhile.
            }

            ReadOnlySpan<byte> part = content.AsSpan(0, length);
            foreach (string text in texts)
            {
                if (part.IndexOf(Encoding.UTF8.GetBytes(text)) >= 0 || part.IndexOf(Encoding.Unicode.GetBytes(text)) >= 0)
                    found.Add(text);
            }
        }

        return found;
    }
}
