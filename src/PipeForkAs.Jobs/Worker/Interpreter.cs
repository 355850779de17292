using System.Buffers.Binary;
using System.Text;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Finds a missing interpreter: the interpreter of a script (<c>#!</c>), or the dynamic linker that an ELF file names. In that
/// case execve(2) fails with the errno of the interpreter's path, as if the program itself were missing.
/// </summary>
internal static class Interpreter
{
    /// <summary>A script's interpreter may be a script too; the kernel follows this many (fs/exec.c, exec_binprm).</summary>
    private const int MostScripts = 5;

    /// <summary>How many bytes of a script the kernel reads (BINPRM_BUF_SIZE).</summary>
    private const int ScriptHead = 256;

    private const int Head = 4096;
    private const int ElfHeader = 64;
    private const int ElfProgramHeader = 56;
    private const uint PT_INTERP = 3;

    /// <summary>Returns the missing interpreter of the program. Null if none is missing, or if that is unknown.</summary>
    public static string? Missing(string program)
    {
        try
        {
            string path = program;
            for (int i = 0; i < MostScripts; i++)
            {
                byte[] head = ReadHead(path);
                if (Of(head) is not { Length: > 0 } interpreter)
                    return null;
                if (!IsThere(interpreter))
                    return $"the interpreter \"{UntrustedText.Escape(interpreter)}\" of \"{UntrustedText.Escape(path)}\" is missing";
                path = interpreter;
            }

            return null;
        }
        catch (SystemCallException)
        {
            return null;
        }
    }

    /// <summary>Returns the path of the interpreter that a file names.</summary>
    /// <param name="head">The file's first bytes.</param>
    internal static string? Of(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("#!"u8))
            return OfScript(head[2..Math.Min(head.Length, ScriptHead)]);
        return head.StartsWith("\u007FELF\u0002\u0001"u8) ? OfElf(head) : null;
    }

    private static string? OfScript(ReadOnlySpan<byte> line)
    {
        line = line.TrimStart(" \t"u8);
        int end = line.IndexOfAny(" \t\n\0"u8);
        return Text(end < 0 ? line : line[..end]);
    }

    /// <summary>Reads elf(5), 64 bits and little endian. Null if the tables are not within the first bytes.</summary>
    private static string? OfElf(ReadOnlySpan<byte> head)
    {
        if (head.Length < ElfHeader)
            return null;
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(head[32..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(head[56..]);
        for (int i = 0; i < count; i++)
        {
            if (Part(head, table + ((ulong)i * ElfProgramHeader), ElfProgramHeader) is not { Length: > 0 } header)
                return null;
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != PT_INTERP)
                continue;
            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]),
                length = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            return Text(Part(head, offset, length).TrimEnd((byte)0));
        }

        return null;
    }

    /// <summary>Returns empty if the part is not within the bytes, whatever the file claims.</summary>
    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> head, ulong offset, ulong length) =>
        offset <= (ulong)head.Length && length <= (ulong)head.Length - offset ? head.Slice((int)offset, (int)length) : [];

    /// <summary>Returns null for a path that is not UTF-8, because text cannot represent it.</summary>
    private static string? Text(ReadOnlySpan<byte> path)
    {
        string text = Encoding.UTF8.GetString(path);
        return text.AsSpan().ContainsAny('\uFFFD', '\0') ? null : text;
    }

    private static byte[] ReadHead(string path)
    {
        using FileDescriptor file = Libc.open(path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK);
        var head = new byte[Head];
        return head[..Libc.read(file, head).OrThrow("read(program)")];
    }

    private static bool IsThere(string path)
    {
        try
        {
            Libc.open(path, OpenFlags.O_PATH).Dispose();
            return true;
        }
        catch (SystemCallException failure) when (failure.Errno == Errno.ENOENT || failure.Errno == Errno.ENOTDIR)
        {
            return false;
        }
    }
}
