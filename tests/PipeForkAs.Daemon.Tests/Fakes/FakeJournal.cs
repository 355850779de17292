using System.Buffers.Binary;
using System.Text;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Fakes;

/// <summary>The socket of a journal, with a reader of its native protocol that was written only from the documentation.</summary>
internal sealed class FakeJournal : IDisposable
{
    private readonly FileDescriptor socket = Libc.socket_unix(SocketType.SOCK_DGRAM, blocking: false);

    public FakeJournal(string path)
    {
        Path = path;
        Libc.bind(socket, path);
    }

    public string Path { get; }

    /// <summary>Whether the last record arrived as a sealed file.</summary>
    public bool CameAsFile { get; private set; }

    /// <summary>The next record; null if there is none.</summary>
    public List<(string Name, string Value)>? Next()
    {
        var buffer = new byte[512 * 1024];
        var descriptors = new FileDescriptor?[1];
        IOResult received = Libc.recvmsg(socket, buffer, descriptors, out int count, mayBeEmpty: true);
        if (received.WouldBlock)
            return null;
        int length = received.OrThrow("recvmsg");
        CameAsFile = count == 1;
        if (!CameAsFile)
            return Decode(buffer.AsSpan(0, length));

        using FileDescriptor file = descriptors[0]!;
        Assert.Equal(0, length);
        Assert.Equal(
            FileSeals.F_SEAL_SHRINK | FileSeals.F_SEAL_GROW | FileSeals.F_SEAL_WRITE | FileSeals.F_SEAL_SEAL, Libc.get_seals(file));
        return Decode(File.ReadAllBytes($"/proc/self/fd/{file.Number}"));
    }

    /// <summary>The fields of a record, in order. Anything that violates the protocol is an error.</summary>
    public static List<(string Name, string Value)> Decode(ReadOnlySpan<byte> record)
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        var fields = new List<(string, string)>();
        while (!record.IsEmpty)
        {
            int end = record.IndexOf((byte)'\n');
            if (end < 0)
                throw new FormatException("a field has no end");
            ReadOnlySpan<byte> line = record[..end];
            record = record[(end + 1)..];
            int equals = line.IndexOf((byte)'=');
            ReadOnlySpan<byte> name = equals < 0 ? line : line[..equals];
            if (name.Length is 0 or > 64 || name[0] is < (byte)'A' or > (byte)'Z')
                throw new FormatException("no name of a field");
            foreach (byte c in name)
            {
                if (c is not (>= (byte)'A' and <= (byte)'Z' or >= (byte)'0' and <= (byte)'9' or (byte)'_'))
                    throw new FormatException("no name of a field");
            }

            if (equals >= 0)
            {
                fields.Add((Encoding.ASCII.GetString(name), strict.GetString(line[(equals + 1)..])));
                continue;
            }

            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(record));
            if (record[8 + length] != (byte)'\n')
                throw new FormatException("a value has no end");
            fields.Add((Encoding.ASCII.GetString(name), strict.GetString(record.Slice(8, length))));
            record = record[(9 + length)..];
        }

        return fields;
    }

    public void Dispose() => socket.Dispose();
}
