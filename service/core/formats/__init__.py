"""The files a catalogue travels in: bytes in, values out; everything wrong in a file is told at once."""
