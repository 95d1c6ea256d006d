/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci_words.h"
#include "util/alloc.h"

static const struct {
    uint16_t code;
    const char *word;
} words[] = {
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0104, "RAID controller"},
    {0x0106, "SATA controller"},
    {0x0107, "SAS controller"},
    {0x0108, "Non-Volatile memory controller"},
    {0x0180, "Storage controller"},
    {0x0200, "Ethernet controller"},
    {0x0280, "Network controller"},
    {0x0300, "VGA controller"},
    {0x0380, "Display controller"},
    {0x0401, "Audio controller"},
    {0x0403, "Audio controller"},
    {0x0480, "Multimedia controller"},
    {0x0500, "RAM controller"},
    {0x0502, "CXL"},
    {0x0580, "Memory controller"},
    {0x0600, "Host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x0680, "Bridge"},
    {0x0700, "Serial port"},
    {0x0780, "Communication controller"},
    {0x0880, "System peripheral"},
    {0x0900, "Keyboard"},
    {0x0980, "Input device controller"},
    {0x0c03, "USB controller"},
    {0x0c05, "SMBus"},
    {0x0c09, "CAN bus"},
};

const char *pci_class_word(uint32_t class_code)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(words); i++)
        if (words[i].code == class_code)
            return words[i].word;
    return NULL;
}
